// SPDX-License-Identifier: LGPL-2.1-or-later
// Every call of the ports fails once, and is the last of its process once.
#include "tests/unit/file/stacks_world.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <ostream>

namespace varve::file {
namespace {

using fakes::Faults;

// A template with two versions in use, and what may stand on them.
struct Scene {
    fakes::FakeBlockDevices devices;
    std::optional<StacksProcess> process{std::in_place, devices};
    TestVolume volume{"fedora/root"};
    TestSnapshot old_vm{"old/root"};
    TestSnapshot vm{"work/root"};
    std::optional<GuestDevice> opened_origin{};
    base::UniqueFd view{};

    [[nodiscard]] Stacks& stacks() { return process->stacks; }
    GuestDevice open_snapshot(const TestSnapshot& of) {
        const auto started = stacks().start_snapshot(volume.files(), of.own()).value();
        devices.open(started.number);
        return started;
    }
    void open_origin() {
        opened_origin = stacks().start_origin(volume.files()).value();
        devices.open(opened_origin->number);
    }
    void close_origin() { devices.close(opened_origin->number); }
    void next_version() { volume.commit(); }
    void grow_image() { EXPECT_EQ(::ftruncate(volume.image.get(), 6 * mib), 0); }
    [[nodiscard]] std::string picture() {
        process->nodes.notice_closed();
        return picture_of(devices);
    }
    // The process is gone, and another begins.
    void restart() {
        view.reset();
        process.reset();
        process.emplace(devices);
    }
};

struct Step {
    const char* name;
    std::function<void(Scene&)> before;
    std::function<base::Result<>(Scene&)> run;
    friend void PrintTo(const Step& step, std::ostream* out) { *out << step.name; }
};

template <class T>
base::Result<> done(const base::Result<T>& result) {
    if (!result) return base::Failure(result.error());
    return {};
}

base::Result<> look(Scene& scene, base::Result<base::UniqueFd> opened) {
    if (!opened) return base::Failure(opened.error());
    scene.view = *std::move(opened);
    return {};
}

void old_version_in_use(Scene& scene) {
    (void)scene.open_snapshot(scene.old_vm);
    scene.next_version();
}

const Step steps[] = {
    {"StartOrigin", [](Scene&) {}, [](Scene& scene) { return done(scene.stacks().start_origin(scene.volume.files())); }},
    {"StartOriginBesideAnOldVersion", old_version_in_use,
     [](Scene& scene) { return done(scene.stacks().start_origin(scene.volume.files())); }},
    {"StartOriginOfAnImageThatGrew",
     [](Scene& scene) {
         old_version_in_use(scene);
         scene.grow_image();
     },
     [](Scene& scene) { return done(scene.stacks().start_origin(scene.volume.files())); }},
    {"StopOrigin",
     [](Scene& scene) {
         scene.open_origin();
         (void)scene.open_snapshot(scene.vm);
         scene.close_origin();
     },
     [](Scene& scene) { return scene.stacks().stop_origin(scene.volume.name, scene.volume.image.get()); }},
    {"GrowOrigin",
     [](Scene& scene) {
         old_version_in_use(scene);
         scene.open_origin();
         scene.grow_image();
     },
     [](Scene& scene) { return scene.stacks().grow_origin(scene.volume.name, scene.volume.image.get()); }},
    {"StartSnapshot", [](Scene&) {},
     [](Scene& scene) { return done(scene.stacks().start_snapshot(scene.volume.files(), scene.vm.own())); }},
    {"StartSnapshotOfARunningOrigin",
     [](Scene& scene) {
         old_version_in_use(scene);
         scene.open_origin();
     },
     [](Scene& scene) { return done(scene.stacks().start_snapshot(scene.volume.files(), scene.vm.own())); }},
    {"StopTheLastSnapshotOfAnOldVersion",
     [](Scene& scene) {
         const auto vm = scene.open_snapshot(scene.old_vm);
         scene.next_version();
         scene.open_origin();
         scene.devices.close(vm.number);
     },
     [](Scene& scene) { return scene.stacks().stop_snapshot(scene.old_vm.name, scene.old_vm.cow.get()); }},
    {"OpenState", [](Scene&) {}, [](Scene& scene) { return look(scene, scene.stacks().open_state(scene.volume.files())); }},
    {"OpenStateOfARunningOrigin", [](Scene& scene) { scene.open_origin(); },
     [](Scene& scene) { return look(scene, scene.stacks().open_state(scene.volume.files())); }},
    {"OpenRevision", [](Scene& scene) { scene.next_version(); },
     [](Scene& scene) { return look(scene, scene.stacks().open_revision(scene.volume.files(), scene.volume.old())); }},
    {"OpenRevisionInUseWhileTheOriginRuns",
     [](Scene& scene) {
         old_version_in_use(scene);
         scene.open_origin();
     },
     [](Scene& scene) { return look(scene, scene.stacks().open_revision(scene.volume.files(), scene.volume.old())); }},
};

class FileStacksFaults : public testing::TestWithParam<Step> {
protected:
    static std::size_t calls_of(const Step& step, std::string& before, std::string& after) {
        Scene scene;
        step.before(scene);
        before = scene.picture();
        scene.process->faults.count();
        const auto run = step.run(scene);
        EXPECT_TRUE(run) << run.error().message();
        const auto calls = scene.process->faults.calls();
        after = scene.picture();
        return calls;
    }
    // Inodes and so names differ from scene to scene.
    static std::string shape(const std::string& picture);
};

// What is left of a picture when files are numbered in the order in which they are met.
std::string FileStacksFaults::shape(const std::string& picture) {
    std::size_t devices = 0;
    std::size_t middles_that_go = 0;
    std::size_t suspended = 0;
    std::size_t inactive = 0;
    std::size_t loops = 0;
    std::size_t sizes = 0;
    const auto count = [&](const std::string& word) {
        std::size_t found = 0;
        for (auto at = picture.find(word); at != std::string::npos; at = picture.find(word, at + 1)) ++found;
        return found;
    };
    devices = count(" VARVE-");
    middles_that_go = count("until its last user");
    suspended = count("suspended");
    inactive = count("table");
    loops = count("loop over ");
    sizes = count(" " + std::to_string(6 * mib / 512) + " ");
    return std::to_string(devices) + " devices, " + std::to_string(middles_that_go) + " go, " + std::to_string(suspended) +
           " stand still, " + std::to_string(inactive) + " half made, " + std::to_string(loops) + " loops, " + std::to_string(sizes) +
           " grown";
}

TEST_P(FileStacksFaults, AFailureLeavesTheOldOrTheNew) {
    const auto& step = GetParam();
    std::string old_picture;
    std::string new_picture;
    const auto calls = calls_of(step, old_picture, new_picture);
    ASSERT_GT(calls, 3U);
    for (std::size_t call = 1; call <= calls; ++call) {
        SCOPED_TRACE("call " + std::to_string(call) + " of " + std::to_string(calls));
        Scene scene;
        step.before(scene);
        const auto before = scene.picture();
        scene.process->faults.fail_at(call, EIO);
        const auto run = step.run(scene);
        scene.process->faults.count();
        const auto after = scene.picture();
        if (run) {
            EXPECT_EQ(shape(after), shape(new_picture)) << after;
        } else if (std::string(step.name).starts_with("Stop") || std::string(step.name).starts_with("Grow")) {
            // They have several steps forward, and may be repeated.
            EXPECT_NE(shape(after).find(" 0 stand still, 0 half made"), std::string::npos) << after;
        } else {
            EXPECT_EQ(after, before) << run.error().message();
        }
        const auto again = step.run(scene);
        ASSERT_TRUE(again) << again.error().message();
        EXPECT_EQ(shape(scene.picture()), shape(new_picture)) << scene.picture();
        EXPECT_EQ(scene.devices.forbidden(), std::vector<std::string>{});
    }
}

// A process dies before or after any call; the next recovers, is itself stopped at any call, and the one after it does the step.
TEST_P(FileStacksFaults, ADeathIsRecoveredFrom) {
    const auto& step = GetParam();
    std::string old_picture;
    std::string new_picture;
    const auto calls = calls_of(step, old_picture, new_picture);
    for (const auto moment : {Faults::Moment::Before, Faults::Moment::After})
        for (std::size_t call = 1; call <= calls; ++call) {
            SCOPED_TRACE("call " + std::to_string(call) + " of " + std::to_string(calls));
            for (std::size_t recovery = 1, recovery_calls = 1; recovery <= recovery_calls; ++recovery) {
                Scene scene;
                step.before(scene);
                scene.process->faults.die_at(call, moment);
                EXPECT_FALSE(step.run(scene));
                scene.restart();
                if (recovery == 1) {  // how many there are
                    Scene counted;
                    step.before(counted);
                    counted.process->faults.die_at(call, moment);
                    EXPECT_FALSE(step.run(counted));
                    counted.restart();
                    counted.process->faults.count();
                    EXPECT_TRUE(counted.stacks().recover());
                    recovery_calls = counted.process->faults.calls();
                }
                scene.process->faults.die_at(recovery, moment);
                (void)scene.stacks().recover();  // dies
                scene.restart();
                const auto recovered = scene.stacks().recover();
                ASSERT_TRUE(recovered) << recovered.error().message();
                const auto picture = scene.picture();
                EXPECT_NE(shape(picture).find(" 0 stand still, 0 half made"), std::string::npos) << picture;
                ASSERT_TRUE(scene.stacks().recover());
                EXPECT_EQ(scene.picture(), picture) << "twice is once";
                // No guest's device is left that nobody has open.
                const auto left = scene.process->mapper.list({}).value();
                for (const auto& info : left) EXPECT_TRUE(info.open_count != 0 || scene.opened_origin) << picture;
                const auto again = step.run(scene);
                ASSERT_TRUE(again) << again.error().message();
                EXPECT_EQ(shape(scene.picture()), shape(new_picture)) << scene.picture();
                EXPECT_EQ(scene.devices.forbidden(), std::vector<std::string>{});
            }
        }
}

INSTANTIATE_TEST_SUITE_P(All, FileStacksFaults, testing::ValuesIn(steps), [](const auto& step) { return step.param.name; });

}  // namespace
}  // namespace varve::file
