// SPDX-License-Identifier: LGPL-2.1-or-later
// The rules between volumes, and what starts and stops report.
#include "tests/unit/engine/world.h"

#include <future>

namespace varve::engine_test {
namespace {

using api::Revert;
using api::Stop;

class BetweenVolumes : public World {
protected:
    const VolumeRef root_ = origin("fedora", "root");
};

TEST_F(BetweenVolumes, ASourceIsNotRemoved) {
    (void)snapshot("work", "root", root_);
    EXPECT_TRUE(failed(volumes_.remove(root_), Errc::Busy));
    ASSERT_TRUE(succeeded(volumes_.remove({pool_->find(vm_name("work")), volume_name("root")})));
    EXPECT_TRUE(succeeded(volumes_.remove(root_)));
}

TEST_F(BetweenVolumes, ARevisionThatIsASourceStaysInPlace) {
    commit(root_, "a", 1000);
    commit(root_, "b", 2000);
    const auto fixed = revision("1970-01-01T00:16:40Z");
    (void)snapshot("work", "root", root_, fixed);
    EXPECT_TRUE(failed(volumes_.remove_revision(root_, fixed), Errc::Busy));
    EXPECT_TRUE(failed(volumes_.rename_revision(root_, fixed, label("l")), Errc::Busy));
    EXPECT_TRUE(failed(volumes_.revert(root_, fixed, Revert::Revision::Move), Errc::Busy));
    EXPECT_TRUE(succeeded(volumes_.revert(root_, fixed, Revert::Revision::Keep)));
    EXPECT_EQ(read(root_), "a");
}

TEST_F(BetweenVolumes, ASourceIsKnownByBothOfItsNames) {
    commit(root_, "a", 1000);
    commit(root_, "b", 2000);
    const auto plain = revision("1970-01-01T00:16:40Z");
    const auto* kept = root_.view()->revisions.find(plain);
    ASSERT_NE(kept, nullptr);
    const auto full = revision("1970-01-01T00:16:40Z." + std::to_string(kept->number));
    const auto work = snapshot("work", "root", root_, full);
    EXPECT_TRUE(failed(volumes_.remove_revision(root_, plain), Errc::Busy));
    EXPECT_EQ(volumes_.fixed_revisions(root_, *root_.view()), std::set{plain});
    ASSERT_TRUE(succeeded(volumes_.remove(work)));
    (void)snapshot("work", "root", root_, plain);
    EXPECT_TRUE(failed(volumes_.remove_revision(root_, full), Errc::Busy));
}

TEST_F(BetweenVolumes, PruningSparesSources) {
    for (int i = 1; i <= 4; ++i) commit(root_, "x", i * 1000);
    const auto oldest_named = revision("1970-01-01T00:16:40Z");
    (void)snapshot("work", "root", root_, oldest_named);
    clock_.advance(1'000'000'000);  // beyond the grace
    const auto removed = volumes_.prune(root_);
    ASSERT_TRUE(succeeded(removed));
    EXPECT_FALSE(removed->empty());
    EXPECT_NE(root_.view()->revisions.find(oldest_named), nullptr);
}

TEST_F(BetweenVolumes, AStartWithoutALayerRemovesNobodysSource) {
    commit(root_, "a", 1000);
    commit(root_, "b", 2000);
    const auto child = snapshot("work", "root", root_, revision("1970-01-01T00:16:40Z"));
    ASSERT_TRUE(succeeded(volumes_.configure(root_, [](api::VolumeConfig config) -> Result<api::VolumeConfig> {
        config.revisions_to_keep = TRY(api::RevisionsToKeep::from(-1));
        return config;
    })));
    const auto refused = volumes_.start(root_);
    ASSERT_TRUE(failed(refused, Errc::Busy));
    EXPECT_NE(refused.error().context.find("work/root"), std::string::npos);
    ASSERT_FALSE(volumes_.blockers(root_).empty());
    EXPECT_NE(volumes_.blockers(root_).front().find("snapshot layer"), std::string::npos);
    ASSERT_TRUE(succeeded(volumes_.remove(child)));
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    EXPECT_TRUE(revisions(root_).empty());
}

TEST_F(BetweenVolumes, AStartWithoutALayerKeepsALabelThatIsASource) {
    commit(root_, "a", 1000);
    ASSERT_TRUE(succeeded(volumes_.take_snapshot(root_, label("good"))));
    (void)snapshot("work", "root", root_, revision("good"));
    ASSERT_TRUE(succeeded(volumes_.configure(root_, [](api::VolumeConfig config) -> Result<api::VolumeConfig> {
        config.revisions_to_keep = TRY(api::RevisionsToKeep::from(-1));
        return config;
    })));
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    EXPECT_EQ(revisions(root_), std::vector<std::string>{"good"});
}

TEST_F(BetweenVolumes, ChildrenFollowTheirSourcesRename) {
    const auto child = snapshot("work", "root", root_);
    ASSERT_TRUE(succeeded(volumes_.rename(root_, {root_.vm, volume_name("system")})));
    EXPECT_EQ(api::source_of(child.view()->config.kind)->volume, (base::VolumePath{vm_name("fedora"), volume_name("system")}));
    ASSERT_TRUE(succeeded(volumes_.rename_vm(root_.vm, vm_name("debian"))));
    EXPECT_EQ(api::source_of(child.view()->config.kind)->volume, (base::VolumePath{vm_name("debian"), volume_name("system")}));
    EXPECT_TRUE(succeeded(volumes_.start(child)));
    EXPECT_EQ(pool_->sources().children_of(vm_name("debian")).size(), 1U);
    EXPECT_TRUE(pool_->sources().children_of(vm_name("fedora")).empty());
}

TEST_F(BetweenVolumes, AVolumeIsNotRenamedOntoAnother) {
    const auto data = origin("fedora", "data");
    EXPECT_TRUE(failed(volumes_.rename(root_, data), Errc::Exists));
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    EXPECT_TRUE(failed(volumes_.rename(root_, {root_.vm, volume_name("other")}), Errc::Busy));
    EXPECT_TRUE(failed(volumes_.rename_vm(root_.vm, vm_name("debian")), Errc::Busy));
}

TEST_F(BetweenVolumes, AVmIsRemovedWhenItIsEmpty) {
    const auto place = root_.vm;
    EXPECT_TRUE(failed(volumes_.remove_vm(place), Errc::NotEmpty));
    ASSERT_TRUE(succeeded(volumes_.remove(root_)));
    EXPECT_TRUE(succeeded(volumes_.remove_vm(place)));
    EXPECT_TRUE(failed(volumes_.create(root_, {}), Errc::NotFound));
    EXPECT_TRUE(failed(volumes_.rename_vm(place, vm_name("other")), Errc::NotFound));
    EXPECT_TRUE(failed(volumes_.remove_vm(place), Errc::NotFound));
}

TEST_F(BetweenVolumes, ASnapshotIsOutdatedOnceItsSourceHasANewState) {
    commit(root_, "v1", 1000);
    const auto child = snapshot("work", "root", root_);
    EXPECT_FALSE(volumes_.outdated(child));
    ASSERT_TRUE(succeeded(volumes_.start(child)));
    EXPECT_FALSE(volumes_.outdated(child));
    commit(root_, "v2", 2000);
    EXPECT_TRUE(volumes_.outdated(child));
    EXPECT_EQ(read(child, api::BaseState{}), "v1");
}

TEST_F(BetweenVolumes, StopTellsWhatItKept) {
    commit(root_, "old", 4'000'000'000);  // newer than the state it replaces, so pruning keeps this one
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    write_device(root_, "new");
    const auto stopped = volumes_.stop(root_, Stop::Outcome::Commit);
    ASSERT_TRUE(succeeded(stopped));
    EXPECT_TRUE(stopped->committed);
    EXPECT_EQ(stopped->revision, revision("2096-10-02T07:06:40Z"));
    EXPECT_EQ(read(root_), "new");
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    const auto unused = volumes_.stop(root_, Stop::Outcome::Commit);
    ASSERT_TRUE(succeeded(unused));
    EXPECT_FALSE(unused->committed);
    EXPECT_FALSE(unused->revision.has_value());
}

TEST_F(BetweenVolumes, AListenerHearsOfEveryChange) {
    const auto before = listener_.changes("root");
    commit(root_, "x", 1000);
    EXPECT_GT(listener_.changes("root"), before);
}

TEST_F(BetweenVolumes, BlockersNameWhatStandsInTheWay) {
    EXPECT_TRUE(volumes_.blockers(root_).empty());
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    const auto blockers = volumes_.blockers(root_);
    ASSERT_EQ(blockers.size(), 2U);
    EXPECT_NE(blockers.front().find("started already"), std::string::npos);
    EXPECT_EQ(blockers.back(), "revert: " + root_.path().str() + " is started");
}

class Patient : public World {
protected:
    Patient() : World({base::Bytes{0}, std::chrono::hours(24), std::chrono::seconds(30)}) {}
};

TEST_F(Patient, StartWaitsForAWriterThatCloses) {
    const auto root = origin("vm", "root");
    const auto transaction = open(root);
    ASSERT_TRUE(succeeded(write(*transaction, "new")));
    auto start = std::async(std::launch::async, [&] { return volumes_.start(root).has_value(); });
    EXPECT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_TRUE(start.get());
    EXPECT_EQ(read(root), "new");
}

class FullPool : public World {
protected:
    FullPool() : World({base::Percent{50}, std::chrono::hours(24), std::chrono::milliseconds(0)}, mebibytes(4)) {}
};

TEST_F(FullPool, RefusesStartsBelowMinFree) {
    const auto root = origin("vm", "root", mebibytes(3));
    ASSERT_TRUE(succeeded(volumes_.start(root)));
    ASSERT_TRUE(succeeded(volumes_.stop(root, Stop::Outcome::Discard)));
    commit(root, std::string(3 << 20, 'x'), 1000);
    EXPECT_TRUE(failed(volumes_.start(root), Errc::NoSpace));
    EXPECT_FALSE(volumes_.blockers(root).empty());
    const auto empty = origin("vm", "empty", {});
    EXPECT_TRUE(failed(volumes_.start(empty), Errc::InvalidArgument)) << "more room would not help it";
}

}  // namespace
}  // namespace varve::engine_test
