// SPDX-License-Identifier: LGPL-2.1-or-later
// The power fails around every call of every command that changes states, what was not synced is dropped in every way a journal may, and the next
// boot looks: no committed state is lost, and everything goes on. Then each call fails once.
#include "tests/unit/file/pool_world.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <set>
#include <tuple>

namespace varve::file {
namespace {

using base::Result;
using Act = std::function<Result<>(PoolWorld&)>;
using Texts = std::set<std::string>;

const std::string volume = "work/private";
const std::string child = "app/root";

struct Case {
    std::string name;
    Act arrange;  // on top of an origin whose state is "first"
    Act act;
    Texts committed;   // what the committed state may be afterwards; "" for none
    Texts never_lost;  // what must be there in any case: as state, revision, or in a session
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

Result<> nothing(PoolWorld&) { return {}; }
Result<> start(PoolWorld& world) { return world.start_volume(volume); }
Result<> start_child(PoolWorld& world) { return world.start_volume(child); }
Result<> stop_child(PoolWorld& world) { return world.stop(child); }
Result<> discard(PoolWorld& world) { return world.stop(volume, api::Stop::Outcome::Discard); }

Act write(const std::string& text) {
    return [=](PoolWorld& world) -> Result<> {
        world.guest_writes(volume, text);
        return {};
    };
}
Act stop(long long keep) {
    return [=](PoolWorld& world) { return world.stop(volume, api::Stop::Outcome::Commit, keep); };
}
Act publish(const std::string& text) {
    return [=](PoolWorld& world) { return world.publish(volume, text); };
}
Act execute(const api::Command& command) {
    return [=](PoolWorld& world) { return world.execute(volume, command); };
}
Result<> convert(PoolWorld& world) {
    // With the same driver: the directory is its pool all the time, however the conversion ends.
    auto done = world.convert();
    if (auto opened = world.start(); !opened) {
        TRY(world.start());
        done = opened;
    }
    return done;
}
Act all(std::vector<Act> acts) {
    return [acts = std::move(acts)](PoolWorld& world) -> Result<> {
        for (const auto& act : acts) TRY(act(world));
        return {};
    };
}
Act session(const std::string& text) { return all({start, write(text), stop(1)}); }

Result<> revert_to_newest(PoolWorld& world) { return world.execute(volume, api::Revert{world.view(volume)->revisions.back().id}); }
Result<> pin_newest(PoolWorld& world) {
    return world.execute(volume, api::RenameRevision{world.view(volume)->revisions.back().id, base::Label::parse("pinned").value()});
}
Result<> without_layer(PoolWorld& world) {
    auto config = world.view(volume)->config;
    config.revisions_to_keep = TRY(api::RevisionsToKeep::from(-1));
    return world.execute(volume, api::Configure{config});
}

std::vector<Case> cases() {
    const auto second = session("second");
    const auto taken = api::TakeSnapshot{base::Label::parse("label").value()};
    return {
        {"start", nothing, start, {"first"}, {"first"}},
        {"stop", all({start, write("second")}), stop(1), {"first", "second"}, {"first"}},
        {"stop_keep_none", all({start, write("second")}), stop(0), {"first", "second"}, {}},
        {"stop_unwritten", start, stop(1), {"first"}, {"first"}},
        {"stop_over_an_old_state", all({second, start, write("third")}), stop(1), {"second", "third"}, {"second"}},
        {"stop_beside_an_old_state", all({second, start, write("third")}), stop(9), {"second", "third"}, {"first", "second"}},
        {"discard", all({start, write("second")}), discard, {"first"}, {"first"}},
        {"discard_over_an_old_state", all({second, start, write("third")}), discard, {"second"}, {"first", "second"}},
        {"revert_to_the_old_state", second, revert_to_newest, {"first", "second"}, {"first", "second"}},
        {"revert_to_an_image", publish("second"), revert_to_newest, {"first", "second"}, {"first", "second"}},
        {"pin_the_old_state", second, pin_newest, {"second"}, {"first", "second"}},
        {"label", second, execute(taken), {"second"}, {"first", "second"}},
        {"label_of_a_running_volume", all({second, start, write("third")}), execute(taken), {"second"}, {"first", "second"}},
        {"publish", nothing, publish("second"), {"first", "second"}, {"first"}},
        {"publish_over_an_old_state", second, publish("third"), {"second", "third"}, {"first", "second"}},
        {"remove_beside_an_old_state", second, execute(api::RemoveCommitted{}), {"second", ""}, {"first"}},
        {"resize", second, execute(api::Resize{{16384}}), {"second"}, {"first", "second"}},
        {"resize_running", all({second, start, write("third")}), execute(api::Resize{{16384}}), {"second"}, {"first", "second"}},
        {"start_without_layer", without_layer, start, {"first", ""}, {"first"}},
        {"stop_without_layer", all({without_layer, start}), stop(1), {"first", ""}, {"first"}},
        {"start_snapshot", nothing, start_child, {"first"}, {"first"}},
        {"stop_snapshot", start_child, stop_child, {"first"}, {"first"}},
        {"stop_under_a_snapshot", all({start_child, start, write("second")}), stop(0), {"first", "second"}, {}},
        {"publish_under_a_snapshot", start_child, publish("second"), {"first", "second"}, {"first"}},
        {"convert", second, convert, {"second"}, {"first", "second"}},
        {"remove_under_a_snapshot", start_child, execute(api::RemoveCommitted{}), {"first", ""}, {}},
    };
}

std::string without_random(const std::string& name) { return name.substr(0, name.find('~') + 1 == 0 ? name.size() : name.find('~') + 1); }

class FilePoolCrash : public testing::TestWithParam<std::tuple<Case, PoolWorld::Marks>> {
protected:
    static const Case& what() { return std::get<Case>(GetParam()); }
    static PoolWorld::Marks marks() { return std::get<PoolWorld::Marks>(GetParam()); }

    static Result<> furnish(PoolWorld& world) {
        TRY(world.start());
        TRY(world.create_vm("work"));
        TRY(world.create_vm("app"));
        TRY(world.create(volume, api::Origin{}));
        TRY(world.execute(volume, api::RemoveCommitted{}));
        TRY(world.publish(volume, "first"));
        TRY(world.create(child, api::Snapshot{{path_of(volume), {}}}));
        world.clock.advance(100);
        TRY(what().arrange(world));
        world.clock.advance(100);
        return {};
    }

    static std::string committed_of(const PoolWorld& world) {
        const auto* const view = world.view(volume);
        return view != nullptr && view->committed ? world.read(volume) : "";
    }

    static std::string picture(const PoolWorld& world) {
        std::string text = committed_of(world) + ";";
        for (const auto& name : {volume, child}) {
            const auto* const view = world.view(name);
            if (view == nullptr) continue;
            auto texts = world.all_texts(name);
            // Without marks a revision that was being made an image by itself may be there twice.
            if (marks() == PoolWorld::Marks::No) texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
            for (const auto& one : texts) text += one + ",";
            if (view->session) text += view->session->phase == api::Session::Phase::Dirty ? "dirty" : "started";
            if (view->session && view->session->base) text += " on " + world.read(name, api::BaseState{});
            text += ";";
        }
        return text;
    }

    // What a session without a layer or the image of a removed volume has, too.
    static Texts texts_of(const PoolWorld& world) {
        const auto list = world.all_texts(volume);
        Texts texts(list.begin(), list.end());
        const auto dirty = world.files->open_beside("appvms/work/private-dirty.img");
        if (!dirty) return texts;
        std::string text(40, '\0');
        (void)!::pread(dirty->get(), text.data(), text.size(), 0);
        texts.insert(text.substr(0, text.find('\0')));
        return texts;
    }

    static void expect_nothing_lost(const PoolWorld& world) {
        EXPECT_TRUE(what().committed.contains(committed_of(world))) << picture(world);
        const auto texts = texts_of(world);
        for (const auto& text : what().never_lost) EXPECT_TRUE(texts.contains(text)) << text << " is lost: " << picture(world);
        const auto* const app = world.view(child);
        ASSERT_NE(app, nullptr);
        if (app->session) {
            EXPECT_EQ(world.read(child, api::BaseState{}), "first");
        }
        for (const std::string vm : {"work", "app"})
            for (const auto& name : world.names(vm)) EXPECT_EQ(name.find('~'), std::string::npos) << name << " is left";
    }

    static void go_on(PoolWorld& world) {
        if (world.view(child)->session) {
            ASSERT_EQ("", explain(world.stop(child)));
        }
        if (world.view(volume) == nullptr) return;
        if (world.view(volume)->session) {
            ASSERT_EQ("", explain(world.stop(volume)));
        }
        if (!world.view(volume)->committed) return;
        ASSERT_EQ("", explain(world.start_volume(child)));
        const auto before = world.read(volume);
        ASSERT_EQ("", explain(world.start_volume(volume)));
        if (!world.view(volume)->session->no_snapshot_layer) {
            world.guest_writes(volume, "life goes on");
            EXPECT_EQ(world.read(volume), before);
        }
        ASSERT_EQ("", explain(world.stop(volume)));
        EXPECT_EQ(world.read_guest(child), before);
        ASSERT_EQ("", explain(world.stop(child)));
        const auto findings = world.pool->verify(path_of(volume).vm);
        ASSERT_TRUE(findings);
        for (const auto& finding : *findings) ADD_FAILURE() << finding.object << ": " << finding.what;
        EXPECT_EQ(world.devices.forbidden(), std::vector<std::string>{});
    }

    // Every disk that a power cut around one of the calls may leave, once each.
    std::vector<fakes::Disk> deaths(PoolWorld& world, const Act& act) {
        std::vector<fakes::Disk> found;
        std::set<std::size_t> seen;
        const auto look = [&](fakes::Effect effect) {
            if (effect == fakes::Effect::Reads) return;
            for (const bool data : {false, true})
                for (auto& disk : world.files->disks_after({.data = data}))
                    if (seen.insert(disk.digest(without_random)).second) found.push_back(std::move(disk));
        };
        world.files->watch(look);
        world.devices.watch(look);
        EXPECT_EQ("", explain(act(world)));
        look(fakes::Effect::Changes);
        world.files->watch({});
        world.devices.watch({});
        return found;
    }
};

TEST_P(FilePoolCrash, LosesNoCommittedState) {
    PoolWorld world(marks());
    ASSERT_EQ("", explain(furnish(world)));
    for (const auto& disk : deaths(world, what().act)) {
        PoolWorld next(marks(), disk, world.clock.now());
        ASSERT_EQ("", explain(next.start()));
        expect_nothing_lost(next);
        const auto first = picture(next);
        ASSERT_EQ("", explain(next.start()));
        EXPECT_EQ(picture(next), first) << "another recovery changed something";
        go_on(next);
        if (HasFailure()) return;
    }
}

TEST_P(FilePoolCrash, LosesNothingWhenACallFails) {
    std::size_t calls = 0;
    {
        PoolWorld world(marks());
        ASSERT_EQ("", explain(furnish(world)));
        world.files->faults().count();
        ASSERT_EQ("", explain(what().act(world)));
        calls = world.files->faults().calls();
    }
    for (std::size_t call = 1; call <= calls; ++call) {
        SCOPED_TRACE("call " + std::to_string(call));
        PoolWorld world(marks());
        ASSERT_EQ("", explain(furnish(world)));
        const auto before = picture(world);
        world.files->faults().fail_at(call, EIO);
        const auto done = what().act(world);
        world.files->faults().count();
        ASSERT_EQ("", explain(world.reload(volume)));
        ASSERT_EQ("", explain(world.reload(child)));
        if (!done && done.error().code != base::Errc::Degraded) {
            EXPECT_EQ(picture(world), before) << done.error().message();
        }
        ASSERT_EQ("", explain(world.start()));
        expect_nothing_lost(world);
        if (!HasFailure()) go_on(world);
        if (HasFailure()) return;
    }
}

std::string name_of(const testing::TestParamInfo<FilePoolCrash::ParamType>& info) {
    return std::get<Case>(info.param).name + (std::get<PoolWorld::Marks>(info.param) == PoolWorld::Marks::Yes ? "" : "_without_marks");
}

INSTANTIATE_TEST_SUITE_P(File, FilePoolCrash,
                         testing::Combine(testing::ValuesIn(cases()), testing::Values(PoolWorld::Marks::Yes, PoolWorld::Marks::No)),
                         name_of);

}  // namespace
}  // namespace varve::file
