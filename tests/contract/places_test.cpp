// SPDX-License-Identifier: LGPL-2.1-or-later
// The places of VMs, renaming, and reopening.
#include "tests/contract/contract_test.h"

#include <algorithm>

namespace varve::contract {
namespace {

using base::Errc;
using Texts = std::vector<std::string>;

const api::Source& source_of(const api::VolumeView& view) { return *api::source_of(view.config.kind); }

TEST_P(ContractTest, VmsAreCreatedListedAndRemoved) {
    for (const auto* name : {"work", "mail", "a-b", "a", "A.b_c"}) ASSERT_TRUE(succeeded(pool_->create_vm(vm_name(name), {})));
    EXPECT_TRUE(failed(pool_->create_vm(vm_name("mail"), {}), Errc::Exists));
    auto names = pool_->list_vms();
    ASSERT_TRUE(succeeded(names));
    std::ranges::sort(*names);
    EXPECT_EQ(*names, (std::vector{vm_name("A.b_c"), vm_name("a"), vm_name("a-b"), vm_name("mail"), vm_name("work")}));
    ASSERT_TRUE(succeeded(pool_->remove_vm(vm_name("a"))));
    EXPECT_TRUE(failed(pool_->remove_vm(vm_name("a")), Errc::NotFound));
    EXPECT_EQ(pool_->list_vms()->size(), 4U);
}

TEST_P(ContractTest, AVmThatIsNotThereIsNotFound) {
    const auto missing = vm_name("missing");
    EXPECT_TRUE(failed(pool_->load_vm(missing), Errc::NotFound));
    EXPECT_TRUE(failed(pool_->remove_vm(missing), Errc::NotFound));
    EXPECT_TRUE(failed(pool_->set_ownership(missing, {}), Errc::NotFound));
    EXPECT_TRUE(failed(pool_->verify(missing), Errc::NotFound));
    EXPECT_TRUE(failed(pool_->rename_vm(missing, vm_name("other"), {}), Errc::NotFound));
}

TEST_P(ContractTest, AVmWithVolumesOrRevisionsIsNotRemoved) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "first", at(1));
    EXPECT_TRUE(failed(pool_->remove_vm(root_.vm), Errc::NotEmpty));
    run(root_, api::RemoveCommitted{});
    EXPECT_TRUE(failed(pool_->remove_vm(root_.vm), Errc::NotEmpty)) << "its revision is left";
    run(root_, api::RemoveRevision{revision_at(0)});
    create(app_, volatile_volume());
    EXPECT_TRUE(failed(pool_->remove_vm(app_.vm), Errc::NotEmpty));
    EXPECT_TRUE(succeeded(pool_->remove_vm(root_.vm)));
}

TEST_P(ContractTest, OwnershipIsKept) {
    const api::Ownership first{1000, 1001, 0750};
    ASSERT_TRUE(succeeded(pool_->create_vm(root_.vm, first)));
    EXPECT_EQ(pool_->load_vm(root_.vm)->ownership, first);
    reopen();
    EXPECT_EQ(vms_.at(root_.vm).ownership, first);
    const api::Ownership second{0, 42, 0700};
    ASSERT_TRUE(succeeded(pool_->set_ownership(root_.vm, second)));
    reopen();
    EXPECT_EQ(vms_.at(root_.vm).ownership, second);
}

TEST_P(ContractTest, AVolumeIsRenamedWithAllItsStates) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "first", at(1));
    run(root_, api::TakeSnapshot{label("label")});
    publish(root_, "second", at(2));
    auto config = view(root_).config;
    config.revisions_to_keep = keep(5);
    run(root_, api::Configure{config});
    const auto before = view(root_);
    const auto to = path("fedora", "system");
    ASSERT_TRUE(succeeded(pool_->rename_volume(root_, to, before, {})));
    const auto gone = pool_->load_volume(root_, nullptr);
    ASSERT_TRUE(succeeded(gone));
    EXPECT_FALSE(*gone);
    const auto after = pool_->load_volume(to, &before);
    ASSERT_TRUE(succeeded(after));
    EXPECT_EQ(describe(*after, Ids::Shown), describe(before, Ids::Shown)) << "states keep their ids, names and times";
    views_.erase(root_);
    views_.insert_or_assign(to, **after);
    EXPECT_EQ(read(to), "second");
    EXPECT_EQ(contents(to), (Texts{"", "first", "first"}));
    reopen();
    EXPECT_FALSE(exists(root_));
    EXPECT_EQ(describe(view(to), Ids::Hidden), describe(before, Ids::Hidden));
}

TEST_P(ContractTest, AVolumeMovesToAnotherVm) {
    create(root_, origin());
    publish(root_, "data", at(1));
    const auto to = path("debian", "root");
    ASSERT_TRUE(succeeded(pool_->create_vm(to.vm, {})));
    const auto before = view(root_);
    ASSERT_TRUE(succeeded(pool_->rename_volume(root_, to, before, {})));
    reopen();
    EXPECT_FALSE(exists(root_));
    EXPECT_EQ(read(to), "data");
    EXPECT_EQ(describe(view(to), Ids::Hidden), describe(before, Ids::Hidden));
    EXPECT_TRUE(succeeded(pool_->remove_vm(root_.vm)));
}

TEST_P(ContractTest, ChildrenFollowARenamedVolume) {
    create(root_, origin());
    publish(root_, "template", at(1));
    run(root_, api::TakeSnapshot{label("stable")});
    const auto fixed = path("mail", "root");
    const auto sibling = path("fedora", "copy");
    create(app_, snapshot_of(root_));
    create(fixed, snapshot_of(root_, revision("stable")));
    create(sibling, snapshot_of(root_));
    const auto to = path("fedora", "system");
    ASSERT_TRUE(succeeded(pool_->rename_volume(root_, to, view(root_), {app_, fixed, sibling})));
    reopen();
    EXPECT_EQ(source_of(view(app_)).volume, to);
    EXPECT_EQ(source_of(view(fixed)).volume, to);
    EXPECT_EQ(source_of(view(fixed)).fixed, revision("stable"));
    EXPECT_EQ(source_of(view(sibling)).volume, to);
    start(app_);
    start(fixed);
    EXPECT_EQ(read_device(app_), "template");
    EXPECT_EQ(read_device(fixed), "template");
}

TEST_P(ContractTest, SnapshotsAndVolatilesAreRenamed) {
    create(root_, origin());
    create(app_, snapshot_of(root_));
    const auto swap = path("work", "volatile");
    create(swap, volatile_volume(mebibytes(3)));
    ASSERT_TRUE(succeeded(pool_->rename_volume(app_, path("work", "system"), view(app_), {})));
    ASSERT_TRUE(succeeded(pool_->rename_volume(swap, path("work", "swap"), view(swap), {})));
    reopen();
    EXPECT_FALSE(exists(app_));
    EXPECT_FALSE(exists(swap));
    EXPECT_EQ(source_of(view(path("work", "system"))).volume, root_);
    EXPECT_EQ(view(path("work", "swap")).config.size, mebibytes(3));
}

TEST_P(ContractTest, AVmIsRenamedWithItsVolumesAndChildren) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "template", at(1));
    run(root_, api::TakeSnapshot{label("label")});
    const auto sibling = path("fedora", "copy");
    create(sibling, snapshot_of(root_));
    create(app_, snapshot_of(root_));
    ASSERT_TRUE(succeeded(pool_->set_ownership(root_.vm, {7, 8, 0711})));
    const auto before = view(root_);
    const auto to = vm_name("debian");
    ASSERT_TRUE(succeeded(pool_->rename_vm(root_.vm, to, {app_, sibling})));
    const auto moved = pool_->load_volume({to, root_.volume}, &before);
    ASSERT_TRUE(succeeded(moved));
    EXPECT_EQ(describe(*moved, Ids::Shown), describe(before, Ids::Shown));
    reopen();
    EXPECT_FALSE(vms_.contains(root_.vm));
    EXPECT_EQ(describe(view({to, root_.volume}), Ids::Hidden), describe(before, Ids::Hidden));
    EXPECT_EQ(source_of(view(app_)).volume, (base::VolumePath{to, root_.volume}));
    EXPECT_EQ(source_of(view({to, sibling.volume})).volume, (base::VolumePath{to, root_.volume}));
    EXPECT_EQ(vms_.at(to).ownership, (api::Ownership{7, 8, 0711}));
    start(app_);
    EXPECT_EQ(read_device(app_), "template");
}

TEST_P(ContractTest, RenamingReplacesNoVm) {
    create(root_, origin());
    create(app_, volatile_volume());
    EXPECT_TRUE(failed(pool_->rename_vm(root_.vm, app_.vm, {}), Errc::Exists));
    reopen();
    EXPECT_TRUE(exists(root_));
    EXPECT_TRUE(exists(app_));
}

TEST_P(ContractTest, AVmWhoseNameBeginsLikeAnothersIsItsOwn) {
    const auto longer = path("fedora-minimal", "root");
    create(root_, origin());
    create(longer, origin(mebibytes(2)));
    publish(root_, "short", at(1));
    publish(longer, "long", at(1));
    run(root_, api::RemoveCommitted{});
    EXPECT_EQ(read(longer), "long");
    ASSERT_TRUE(succeeded(pool_->rename_vm(longer.vm, vm_name("fed"), {})));
    reopen();
    EXPECT_EQ(read(path("fed", "root")), "long");
    EXPECT_EQ(view(root_).revisions.size(), 1U);
}

TEST_P(ContractTest, VolumesWhoseNamesBeginAlikeAreTheirOwn) {
    const auto longer = path("fedora", "root2");
    create(root_, origin());
    create(longer, origin());
    set_time(root_, at(0));
    set_time(longer, at(0));
    publish(root_, "short", at(1));
    publish(longer, "long", at(1));
    start(root_);
    reopen();
    EXPECT_FALSE(view(longer).session);
    EXPECT_EQ(view(root_).revisions.size(), 1U);
    discard(root_);
    run(root_, api::RemoveCommitted{});
    run(root_, api::RemoveRevision{revision_at(0)});
    reopen();
    EXPECT_FALSE(exists(root_));
    EXPECT_EQ(read(longer), "long");
    EXPECT_EQ(view(longer).revisions.size(), 1U);
}

// ---- reopening

TEST_P(ContractTest, EverythingIsTheSameAfterReopening) {
    create(root_, origin());
    set_time(root_, {at(0).seconds, 123'456'789});
    clock_.advance(100);
    publish(root_, "first", at(1));
    clock_.advance(100);
    publish(root_, "same second", at(1), api::Publish::AsCommitted{}, mebibytes(2));
    run(root_, api::TakeSnapshot{label("label")});
    clock_.advance(100);
    session(root_, "second", at(2));
    publish(root_, "restored", at(-5), api::Publish::AsRevision{revision_at(-5)});
    run(root_, api::RenameRevision{revision_at(0), label("pinned")});
    create(app_, snapshot_of(root_, revision("label")));
    create(path("work", "private"), origin({}));
    create(path("work", "volatile"), volatile_volume());
    if (pool_->capabilities().origin_snapshot) {
        create(path("work", "state"), origin_snapshot_of(root_));
        session(path("work", "state"), "mine", at(3));
    }
    clock_.advance(100);
    start(app_);
    start(root_);
    auto config = view(root_).config;
    config.rw = false;
    config.revisions_to_keep = keep(9);
    run(root_, api::Configure{config});
    const auto before = views_;
    clock_.advance(100'000);
    reopen();
    ASSERT_EQ(views_.size(), before.size());
    for (const auto& [volume, was] : before) {
        EXPECT_EQ(describe(view(volume), Ids::Hidden), describe(was, Ids::Hidden)) << volume.str();
        EXPECT_TRUE(!was.committed || view(volume).committed->id != was.committed->id) << "ids hold for one load of the VM";
    }
    EXPECT_EQ(contents(root_), (Texts{"restored", "", "same second", "first", "same second"}))
        << "in one second a label, whose number is 0, comes first";
    EXPECT_EQ(read(root_), "second");
}

TEST_P(ContractTest, TheTimeOfAPathsLastChangeOutlivesReopening) {
    create(root_, origin());
    set_time(root_, at(0));
    clock_.set(at(2'000'000));
    publish(root_, "first", at(1));
    EXPECT_EQ(committed(root_).changed, clock_.now());
    clock_.set(at(3'000'000));
    run(root_, api::TakeSnapshot{label("label")});
    EXPECT_EQ(found(root_, revision("label")).state.changed, clock_.now());
    clock_.set(at(4'000'000));
    run(root_, api::Revert{revision_at(0)});
    const auto kept = found(root_, revision_at(1)).state.changed;
    EXPECT_GE(kept, at(2'000'000)) << "a revision's path is not older than its state";
    EXPECT_LE(kept, at(4'000'000));
    clock_.set(at(9'000'000));
    reopen();
    EXPECT_EQ(committed(root_).changed, at(4'000'000));
    EXPECT_EQ(found(root_, revision_at(1)).state.changed, kept);
    EXPECT_EQ(found(root_, revision("label")).state.changed, at(3'000'000)) << "nothing happened to this path";
}

TEST_P(ContractTest, StateIdsAreNeverReused) {
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto before = committed(root_).id;
    run(root_, api::RemoveCommitted{});
    publish(root_, "second", at(2));
    EXPECT_NE(committed(root_).id, before);
    std::vector<api::StateId> all{committed(root_).id};
    for (const auto& there : view(root_).revisions) all.push_back(there.state.id);
    std::ranges::sort(all);
    EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

TEST_P(ContractTest, LookingAgainKeepsTheIds) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "first", at(1));
    run(root_, api::TakeSnapshot{label("label")});
    start(root_);
    const auto again = pool_->load_volume(root_, &view(root_));
    ASSERT_TRUE(succeeded(again));
    EXPECT_EQ(describe(*again, Ids::Shown), describe(view(root_), Ids::Shown));
}

TEST_P(ContractTest, AHealthyVmHasNoFindings) {
    create(root_, origin());
    publish(root_, "first", at(1));
    create(path("fedora", "volatile"), volatile_volume());
    start(root_);
    const auto findings = pool_->verify(root_.vm);
    ASSERT_TRUE(succeeded(findings));
    for (const auto& finding : *findings) ADD_FAILURE() << finding.object << ": " << finding.what;
}

}  // namespace
}  // namespace varve::contract
