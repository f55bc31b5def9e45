// SPDX-License-Identifier: LGPL-2.1-or-later
// The daemon dies before or after each of LVM's commands: what is found afterwards is the state before or the state after, nothing is left over, and
// looking once more changes nothing.
#include "tests/unit/lvm_thin/fake_pool.h"

#include <algorithm>
#include <functional>
#include <sstream>

namespace varve::lvm_thin {
namespace {

using Moment = fakes::Faults::Moment;

const base::VolumePath root = FakePool::path("work", "root");
const base::VolumePath app = FakePool::path("app", "root");

struct Scenario {
    const char* name;
    std::function<base::Result<>(FakePool&)> prepare;
    std::function<base::Result<>(FakePool&)> step;
};

base::Result<> two_states(FakePool& pool) {
    TRY(pool.create(root));
    TRY(pool.session(root, "one"));
    pool.clock.advance(10);
    return pool.session(root, "two");
}

base::Result<> running(FakePool& pool) {
    TRY(two_states(pool));
    TRY(pool.run(root, api::Start{}));
    return pool.write(root, "three");
}

base::Result<> child(FakePool& pool) {
    TRY(two_states(pool));
    auto config = FakePool::origin(0);
    config.kind = api::Snapshot{{root, {}}};
    return pool.create(app, config);
}

base::Result<> start_child(FakePool& pool) {
    const auto source = pool.view(root);
    return pool.run(app, api::Start{api::StartSource{{root, {}}, &*source}});
}

base::Result<> publish(FakePool& pool, const decltype(api::Publish::target)& target) {
    auto image = TRY(pool.pool->create_image(root.vm, {}));
    const std::string text = "published";
    TRY(image.storage().write({text.data(), text.size()}, {}));
    TRY(image.storage().set_size({1 << 19}));
    return pool.run(root, api::Publish{&image, target});
}

const base::RevisionId first_revision = base::TimedName{1'600'000'000, {}};
api::Stop commit(long long keep) {
    return {api::Stop::Outcome::Commit, {api::RevisionsToKeep::from(keep).value(), {1'700'000'000, 0}, 0, {}}};
}

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all{
        {"create", [](FakePool&) { return base::Result<>(); }, [](FakePool& pool) { return pool.create(root); }},
        {"start", two_states, [](FakePool& pool) { return pool.run(root, api::Start{}); }},
        {"commit", running, [](FakePool& pool) { return pool.run(root, commit(10)); }},
        {"commit and prune", running, [](FakePool& pool) { return pool.run(root, commit(0)); }},
        {"commit while it runs", running, [](FakePool& pool) { return pool.run(root, api::Commit{commit(10).retention}); }},
        {"commit and prune while it runs", running, [](FakePool& pool) { return pool.run(root, api::Commit{commit(0).retention}); }},
        {"discard", running,
         [](FakePool& pool) {
             return pool.run(root, api::Stop{api::Stop::Outcome::Discard, {}});
         }},
        {"revert", two_states, [](FakePool& pool) { return pool.run(root, api::Revert{first_revision}); }},
        {"revert and keep", two_states,
         [](FakePool& pool) {
             return pool.run(root, api::Revert{first_revision, api::Revert::Revision::Keep});
         }},
        {"resize", two_states, [](FakePool& pool) { return pool.run(root, api::Resize{{1 << 21}}); }},
        {"label", two_states, [](FakePool& pool) { return pool.run(root, api::TakeSnapshot{base::Label::parse("label").value()}); }},
        {"remove", two_states, [](FakePool& pool) { return pool.run(root, api::RemoveCommitted{}); }},
        {"remove a revision", two_states, [](FakePool& pool) { return pool.run(root, api::RemoveRevision{first_revision}); }},
        {"publish", two_states, [](FakePool& pool) { return publish(pool, api::Publish::AsCommitted{}); }},
        {"amend", two_states, [](FakePool& pool) { return publish(pool, api::Publish::AsAmendment{}); }},
        {"restore", two_states,
         [](FakePool& pool) {
             return publish(pool, api::Publish::AsRevision{base::TimedName{1'400'000'000, {}}});
         }},
        {"start a snapshot", child, start_child},
        {"prune under a snapshot",
         [](FakePool& pool) -> base::Result<> {
             TRY(child(pool));
             TRY(start_child(pool));
             TRY(pool.session(root, "three"));
             return {};
         },
         [](FakePool& pool) {
             return pool.run(root, api::Prune{{api::RevisionsToKeep::from(0).value(), {1'700'000'000, 0}, 0, {}}});
         }},
        {"rename a VM", child, [](FakePool& pool) { return pool.pool->rename_vm(root.vm, base::VmName::parse("work-2").value(), {app}); }},
        {"rename a volume", child,
         [](FakePool& pool) { return pool.pool->rename_volume(root, FakePool::path("work", "system"), *pool.view(root), {app}); }},
        {"start without a layer",
         [](FakePool& pool) -> base::Result<> {
             TRY(two_states(pool));
             auto config = pool.view(root)->config;
             config.revisions_to_keep = api::RevisionsToKeep::from(-1).value();
             return pool.run(root, api::Configure{config});
         },
         [](FakePool& pool) { return pool.run(root, api::Start{}); }},
    };
    return all;
}

// What users see, and nothing that may differ after a restart.
std::string picture(FakePool& pool) {
    std::ostringstream text;
    const auto vms = pool.pool->list_vms();
    for (const auto& vm : *vms) {
        const auto loaded = pool.pool->load_vm(vm);
        text << vm.str() << "\n";
        for (const auto& [name, view] : loaded->volumes) {
            const base::VolumePath path{vm, name};
            text << "  " << name.str() << " " << api::kind_name(view->config.kind);
            if (const auto* source = api::source_of(view->config.kind)) text << " of " << source->volume.str();
            if (view->committed)
                text << ", '" << pool.read(path) << "' " << view->committed->size.count << " at " << view->committed->modified.seconds;
            for (const auto& revision : view->revisions) text << ", " << revision.id.str() << " '" << pool.read(path, revision.id) << "'";
            if (view->session)
                text << ", session of " << view->session->size.count << (view->session->no_snapshot_layer ? " without a layer" : "");
            if (view->session && view->session->base) text << " from '" << pool.read(path, api::BaseState{}) << "'";
            text << "\n";
        }
    }
    return text.str();
}

// As many LVs as states, sessions and bases.
std::size_t expected_lvs(FakePool& pool) {
    std::set<api::Identity> lvs;
    std::size_t sessions = 0;
    const auto vms = pool.pool->list_vms();
    for (const auto& vm : *vms) {
        const auto loaded = pool.pool->load_vm(vm);
        for (const auto& [name, view] : loaded->volumes) {
            if (view->committed) lvs.insert(view->committed->identity);
            for (const auto& revision : view->revisions) lvs.insert(revision.state.identity);
            if (view->session) ++sessions;
            if (view->session && view->session->base) lvs.insert(view->session->base->identity);
        }
    }
    return lvs.size() + sessions;
}

class LvmCrash : public testing::TestWithParam<Scenario> {};

TEST_P(LvmCrash, LeavesTheStateBeforeOrAfter) {
    const auto& scenario = GetParam();
    std::string before;
    std::string after;
    std::size_t calls = 0;
    {
        FakePool pool;
        ASSERT_TRUE(pool.open());
        ASSERT_TRUE(scenario.prepare(pool));
        before = picture(pool);
        pool.disk->faults().count(fakes::Faults::Calls::Changing);
        const auto done = scenario.step(pool);
        ASSERT_TRUE(done) << done.error().message();
        calls = pool.disk->faults().calls();
        after = picture(pool);
    }
    ASSERT_GT(calls, 0U);
    bool found_before = false;
    for (std::size_t call = 1; call <= calls; ++call)
        for (const auto moment : {Moment::Before, Moment::After}) {
            SCOPED_TRACE(std::string(scenario.name) + ", call " + std::to_string(call) + (moment == Moment::Before ? " before" : " after"));
            FakePool pool;
            ASSERT_TRUE(pool.open());
            ASSERT_TRUE(scenario.prepare(pool));
            pool.disk->faults().die_at(call, moment, fakes::Faults::Calls::Changing);
            (void)scenario.step(pool);  // it may have got far enough to succeed
            pool.pool.reset();
            pool.disk->power_on();
            const auto opened = pool.open();
            ASSERT_TRUE(opened) << opened.error().message();
            const auto found = picture(pool);
            // Making a VM and its volume are two operations.
            const auto half = scenario.name == std::string("create") && found == "work\n";
            EXPECT_TRUE(found == before || found == after || half) << found << "instead of\n" << before << "or\n" << after;
            found_before = found_before || found == before;
            EXPECT_EQ(pool.disk->names().size(), expected_lvs(pool)) << testing::PrintToString(pool.disk->names());
            const auto names = pool.disk->names();
            const auto tags = pool.disk->pool_tags();
            ASSERT_TRUE(pool.open());
            EXPECT_EQ(pool.disk->names(), names) << "a second recovery";
            ASSERT_TRUE(pool.open());
            EXPECT_EQ(picture(pool), found);
        }
    EXPECT_TRUE(found_before);
}

TEST_P(LvmCrash, InRecoveryIsRecoveredFrom) {
    const auto& scenario = GetParam();
    std::size_t calls = 0;
    {
        FakePool pool;
        ASSERT_TRUE(pool.open());
        ASSERT_TRUE(scenario.prepare(pool));
        pool.disk->faults().count(fakes::Faults::Calls::Changing);
        ASSERT_TRUE(scenario.step(pool));
        calls = pool.disk->faults().calls();
    }
    for (std::size_t call = 1; call <= calls; ++call)
        for (std::size_t again = 1; again <= 4; ++again) {
            FakePool pool;
            ASSERT_TRUE(pool.open());
            ASSERT_TRUE(scenario.prepare(pool));
            pool.disk->faults().die_at(call, Moment::After, fakes::Faults::Calls::Changing);
            (void)scenario.step(pool);
            pool.pool.reset();
            pool.disk->power_on();
            pool.disk->faults().die_at(again, Moment::After, fakes::Faults::Calls::Changing);
            (void)pool.open();  // dies, if there is so much to do
            pool.pool.reset();
            pool.disk->power_on();
            ASSERT_TRUE(pool.open());
            EXPECT_EQ(pool.disk->names().size(), expected_lvs(pool)) << scenario.name << " " << call << " " << again;
        }
}

INSTANTIATE_TEST_SUITE_P(Steps, LvmCrash, testing::ValuesIn(scenarios()), [](const auto& info) {
    std::string name(info.param.name);
    std::ranges::replace(name, ' ', '_');
    return name;
});

}  // namespace
}  // namespace varve::lvm_thin
