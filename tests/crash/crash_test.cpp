// SPDX-License-Identifier: LGPL-2.1-or-later
// Dies at every call of every command, drops what was not synced in every way a file system may, recovers, and looks; dies inside the
// recovery too; and lets every call fail.
#include "tests/crash/picture.h"
#include "tests/crash/scenarios.h"
#include "tests/crash/world.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace varve::crash_tests {
namespace {

using base::Result;
using fakes::Faults;

constexpr auto everything = std::numeric_limits<std::size_t>::max();
constexpr std::int64_t downtime = 3600;

// Temporaries have random names: what differs in nothing else is the same. A temporary and the name it is for are not.
std::string without_random(const std::string& name) {
    const auto tilde = name.find('~');
    return tilde == std::string::npos ? name : name.substr(0, tilde + 1);
}

enum class Death { Process, Power };  // a killed process leaves the page cache and the machine's boot

using Left = std::pair<std::size_t, Death>;  // the digest of a disk

class CrashTest : public testing::TestWithParam<std::tuple<Scenario, Ground>> {
protected:
    // The furnished pool, arranged.
    void SetUp() override {
        World world(ground());
        ASSERT_EQ("", explain(world.start()));
        ASSERT_EQ("", explain(furnish(world)));
        if (scenario().arrange) {
            ASSERT_EQ("", explain(scenario().arrange(world)));
        }
        start_ = world.machine();
    }

    void TearDown() override { RecordProperty("crash_points", std::to_string(points_)); }

    static const Scenario& scenario() { return std::get<Scenario>(GetParam()); }
    static Ground ground() { return std::get<Ground>(GetParam()); }

    template <class T>
    static std::string explain(const Result<T>& result) {
        return result ? std::string() : result.error().message();
    }

    // Starts the pool, up to the command.
    static Result<> get_ready(World& world) {
        TRY(world.start());
        if (scenario().meanwhile) TRY(scenario().meanwhile(world));
        return {};
    }

    // The machine after the death, as its next process finds it.
    Machine after_death(const fakes::Disk& disk, Death death) const {
        return {disk, {start_.time.seconds + downtime, 0}, death == Death::Power ? "next boot" : start_.boot};
    }

    Picture expect_picture(const Machine& machine) const {
        World world(ground(), machine);
        const auto started = world.start();
        EXPECT_TRUE(started) << explain(started);
        if (!started) return {};
        return expect_picture(world);
    }

    static Picture expect_picture(World& world) {
        EXPECT_EQ("", wrong_names(world));
        const auto picture = take_picture(world);
        EXPECT_TRUE(picture) << explain(picture);
        return picture.value_or(Picture{});
    }

    // What may be there of the unsynced data. Data without its time: only where it is overwritten in place. Writing to what shares its
    // blocks changes the extents, and the journal has that after the time.
    static std::vector<fakes::CrashVariant> unsynced_data() {
        std::vector<fakes::CrashVariant> variants{{.data = false}, {.data = true}};
        if (ground() == Ground::Copies) variants.push_back({.data = true, .times = false});
        return variants;
    }

    // What one death leaves.
    struct Found {
        Left left;
        Machine machine;
        Death death;
        std::string how;
    };

    // Collects what the deaths in one run of `world` leave, one of each that nobody can tell apart.
    class DeathWatch {
    public:
        DeathWatch(CrashTest& test, World& world) : test_(test), world_(world) {
            world_.files().watch([this](fakes::Effect effect) { look(effect); });
        }
        ~DeathWatch() { world_.files().watch({}); }
        DeathWatch(const DeathWatch&) = delete;
        DeathWatch& operator=(const DeathWatch&) = delete;

        std::vector<Found> end() {
            look(fakes::Effect::Changes);  // before whatever comes next
            world_.files().watch({});
            return std::move(found_);
        }

    private:
        // Around a call that only reads there is what is there around the next one that changes something.
        void look(fakes::Effect effect) {
            ++moment_;
            const auto pending = world_.files().pending_transactions();
            const auto variants = unsynced_data();
            test_.points_ += variants.size() * (pending + 1) + 1;
            if (effect == fakes::Effect::Reads) return;
            for (auto variant : variants) {
                const auto disks = world_.files().disks_after(variant);
                for (std::size_t kept = 0; kept < disks.size(); ++kept)
                    add(disks[kept], Death::Power, [&] {
                        return "power cut leaves " + std::to_string(kept) + " of " + std::to_string(pending) + " transactions, " +
                               (variant.data ? "all" : "no unsynced") + " data" + (variant.times ? "" : " without times");
                    });
                if (variant.data && variant.times) add(disks.back(), Death::Process, [] { return std::string("process killed"); });
            }
        }

        template <class How>
        void add(const fakes::Disk& disk, Death death, const How& how) {
            const Left left{disk.digest(without_random), death};
            if (!seen_.insert(left).second) return;
            found_.push_back(
                {left, test_.after_death(disk, death), death, "at moment " + std::to_string(moment_) + " (two to a call): " + how()});
        }

        CrashTest& test_;
        World& world_;
        std::set<Left> seen_;
        std::size_t moment_ = 0;
        std::vector<Found> found_;
    };

    // Runs the command once, undisturbed; its effect must be durable.
    void look_at_both_ends() {
        World world(ground(), start_);
        ASSERT_EQ("", explain(get_ready(world)));
        live_before_ = expect_picture(world);
        world.files().faults().count();
        ASSERT_EQ("", explain(scenario().act(world)));
        calls_ = world.files().faults().calls();
        ASSERT_EQ("", explain(world.reload_all()));
        live_after_ = expect_picture(world);
    }

    void look_at_both_ends_after_death() {
        for (const auto death : {Death::Power, Death::Process}) {
            SCOPED_TRACE(death == Death::Power ? "power" : "process");
            World world(ground(), start_);
            ASSERT_EQ("", explain(get_ready(world)));
            before_[death] = expect_picture(after_death(start_.disk, death));
            written_[death] = expect_picture(after_death(world.files().disk_after({.transactions = everything, .data = true}), death));
            ASSERT_EQ("", explain(scenario().act(world)));
            const auto disk = world.files().disk_after({.transactions = 0});
            after_[death] = expect_picture(after_death(world.files().disk_after({.transactions = everything, .data = true}), death));
            const auto durable = expect_picture(after_death(disk, death));
            EXPECT_EQ("", durable.difference(after_[death])) << "what is reported as done is not durable";
        }
    }

    // The power fails, or the process is killed, before and after each call of the command. One run shows what each of these deaths leaves:
    // a dead process changes nothing more.
    void die_everywhere() {
        World world(ground(), start_);
        ASSERT_EQ("", explain(get_ready(world)));
        DeathWatch watch(*this, world);
        ASSERT_EQ("", explain(scenario().act(world)));
        for (const auto& found : watch.end()) {
            SCOPED_TRACE(found.how);
            recovers(found.machine, found.death);
            if (HasFailure()) return;
        }
    }

    void recovers(const Machine& machine, Death death) {
        World world(ground(), machine);
        DeathWatch watch(*this, world);
        ASSERT_EQ("", explain(world.start()));
        const auto deaths = watch.end();
        const auto picture = expect_picture(world);
        if (!not_between(before_[death], after_[death], picture, scenario().pruning).empty()) {
            ASSERT_EQ("", not_between(written_[death], after_[death], picture, scenario().pruning));
        }
        for (const auto& found : deaths) {
            SCOPED_TRACE("in the recovery " + found.how);
            EXPECT_EQ("", picture.difference(recovered(found, death))) << "recovered twice is not recovered once";
            if (HasFailure()) return;
        }
        works_on(world);
        if (!HasFailure() && (picture == before_[death] || picture == written_[death])) works_again(machine, death);
    }

    // What is there after a second start, in the boot that followed the first death.
    const Picture& recovered(const Found& found, Death first_death) {
        const Left left{found.left.first, first_death};
        const auto known = recovered_.find(left);
        if (known != recovered_.end()) return known->second;
        auto machine = found.machine;
        machine.boot = after_death({}, first_death).boot;
        return recovered_.emplace(left, expect_picture(machine)).first->second;
    }

    // The command succeeds after a crash that undid it, unless it needs its VM to run, which a power cut ended.
    void works_again(const Machine& machine, Death death) {
        if (death == Death::Power && has_session(live_before_)) return;
        SCOPED_TRACE("the command again");
        World world(ground(), machine);
        ASSERT_EQ("", explain(get_ready(world)));
        ASSERT_EQ("", explain(scenario().act(world)));
        auto later = after_death(world.files().disk_after({.transactions = 0}), death);
        if (death == Death::Power) later.boot = "boot after next";  // what was started is dirty again
        EXPECT_EQ(after_[death].contents(), expect_picture(later).contents());
    }

    static bool has_session(const Picture& picture) {
        for (const auto& [key, value] : picture.facts)
            if (key.ends_with(" session")) return true;
        return false;
    }

    // Each call fails once; then the disk is full from each call on.
    void fail_everywhere() {
        for (const auto error : {EIO, ENOSPC}) {
            for (std::size_t call = 1; call <= calls_; ++call) {
                fail([&](Faults& faults) { faults.fail_at(call, error); },
                     "call " + std::to_string(call) + " fails with " + (error == EIO ? "EIO" : "ENOSPC"));
                if (HasFailure()) return;
            }
        }
        for (std::size_t call = 1; call <= calls_; ++call) {
            fail([&](Faults& faults) { faults.fail_from(call, ENOSPC); }, "the disk is full from call " + std::to_string(call) + " on");
            if (HasFailure()) return;
        }
    }

    void fail(const std::function<void(Faults&)>& arrange, const std::string& what) {
        SCOPED_TRACE(what);
        ++points_;
        World world(ground(), start_);
        ASSERT_EQ("", explain(get_ready(world)));
        auto& faults = world.files().faults();
        arrange(faults);
        const auto result = scenario().act(world);
        const auto failed = faults.failed();
        faults.count();
        const bool degraded = !result && result.error().code == base::Errc::Degraded;
        if (!result && !degraded && failed != fakes::Effect::Removes) {
            EXPECT_EQ("", wrong_names(world));
        }
        if (degraded) {  // it may be done or not, and the next start says so
            const auto next = expect_picture(Machine{world.machine().disk, world.clock().now(), world.boot()});
            const auto seen = [&](const Picture& picture) { return ground() == Ground::Copies ? picture.without_marks() : picture; };
            EXPECT_EQ("", not_between(seen(live_before_), seen(live_after_), seen(next), scenario().pruning)) << result.error().message();
            return;
        }
        for (const auto& volume : scenario().volumes) ASSERT_EQ("", explain(world.reload(volume)));
        if (scenario().volumes.size() != 1) {
            ASSERT_EQ("", explain(world.reload_all()));
        }
        const auto picture = take_picture(world);
        ASSERT_TRUE(picture) << explain(picture);
        if (result) {  // what failed was not needed
            EXPECT_EQ(live_after_.contents(), picture->contents());
        } else {
            EXPECT_EQ("", not_between(live_before_, live_before_, *picture, scenario().pruning)) << result.error().message();
        }
        if (!HasFailure()) works_on(world);
    }

    // Whatever there is now can be stopped, started, written and committed.
    void works_on(World& world) {
        for (const auto& volume : scenario().volumes) {
            if (world.view(volume) == nullptr) continue;
            SCOPED_TRACE("going on with " + volume);
            if (world.view(volume)->session) {
                ASSERT_EQ("", explain(world.stop_volume(volume)));
            }
            if (world.view(volume) == nullptr) continue;
            const auto& view = *world.view(volume);
            if (std::holds_alternative<api::Origin>(view.config.kind) && !view.committed) continue;
            ASSERT_EQ("", explain(world.start_volume(volume)));
            ASSERT_EQ("", explain(world.guest_writes(volume, "life goes on")));
            ASSERT_EQ("", explain(world.stop_volume(volume)));
            if (!api::saves_on_stop(world.view(volume)->config.kind)) continue;
            ASSERT_TRUE(world.view(volume)->committed);
            const auto state = world.pool().open_state(volume_path(volume), *world.view(volume), api::CommittedState{});
            ASSERT_TRUE(state) << explain(state);
            ASSERT_EQ("life goes on", fakes::Content::of(state->get())->extents.front().data.substr(0, 12));
        }
    }

    Machine start_;
    std::size_t calls_ = 0;
    std::size_t points_ = 0;
    Picture live_before_;
    Picture live_after_;
    std::map<Death, Picture> before_;
    std::map<Death, Picture> written_;  // before the command, with what the guest wrote
    std::map<Death, Picture> after_;
    std::map<Left, Picture> recovered_;  // each disk is looked at once
};

TEST_P(CrashTest, LeavesTheStateBeforeOrTheStateAfter) {
    ASSERT_NO_FATAL_FAILURE(look_at_both_ends());
    ASSERT_NO_FATAL_FAILURE(look_at_both_ends_after_death());
    if (!HasFailure()) die_everywhere();
}

TEST_P(CrashTest, FailingCallsChangeNothing) {
    ASSERT_NO_FATAL_FAILURE(look_at_both_ends());
    if (!HasFailure()) fail_everywhere();
}

std::string name_of(const testing::TestParamInfo<CrashTest::ParamType>& info) {
    return std::get<Scenario>(info.param).name + (std::get<Ground>(info.param) == Ground::Reflinks ? "_by_reflinks" : "_by_copies");
}

std::vector<CrashTest::ParamType> everywhere() {
    std::vector<CrashTest::ParamType> all;
    for (const auto& scenario : scenarios())
        for (const auto ground : {Ground::Reflinks, Ground::Copies})
            if (ground == Ground::Reflinks || !scenario.cloning) all.emplace_back(scenario, ground);
    return all;
}

INSTANTIATE_TEST_SUITE_P(FileReflink, CrashTest, testing::ValuesIn(everywhere()), name_of);

}  // namespace
}  // namespace varve::crash_tests
