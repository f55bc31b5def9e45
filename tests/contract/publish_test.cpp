// SPDX-License-Identifier: LGPL-2.1-or-later
// Private images and what publishing them makes; growing volumes.
#include "tests/contract/contract_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace varve::contract {
namespace {

using base::Errc;
using Texts = std::vector<std::string>;

// What a rescue of disk space would count: the pool's own files, below its directory. Empty for drivers without one.
std::vector<std::string> files_in(const std::optional<std::filesystem::path>& directory) {
    std::vector<std::string> names;
    if (!directory) return names;
    for (const auto& entry : std::filesystem::directory_iterator(*directory)) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

TEST_P(ContractTest, PublishingMakesTheVolumeWhenThereIsNone) {
    ASSERT_TRUE(succeeded(pool_->create_vm(root_.vm, {})));
    publish(root_, "new", at(7), api::Publish::AsCommitted{}, mebibytes(3));
    EXPECT_TRUE(std::holds_alternative<api::Origin>(view(root_).config.kind));
    EXPECT_EQ(committed(root_).size, mebibytes(3));
    EXPECT_EQ(committed(root_).modified, at(7));
    EXPECT_EQ(committed(root_).changed, clock_.now());
    EXPECT_EQ(read(root_), "new");
    EXPECT_TRUE(view(root_).revisions.empty());
    reopen();
    EXPECT_EQ(read(root_), "new");
}

TEST_P(ContractTest, PublishingKeepsTheOldStateAsARevision) {
    create(root_, origin());
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    const auto old = committed(root_);
    publish(root_, "second", at(2));
    EXPECT_EQ(read(root_), "second");
    EXPECT_NE(committed(root_).id, old.id);
    EXPECT_EQ(found(root_, revision_at(1)).state.id, old.id);
    EXPECT_TRUE(found(root_, revision_at(1)).replaced);
}

TEST_P(ContractTest, AnAmendmentReplacesTheCommittedStateWithoutARevision) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "first", at(1));
    const auto before = revisions(root_);
    publish(root_, "amended", at(2), api::Publish::AsAmendment{}, mebibytes(2));
    EXPECT_EQ(read(root_), "amended");
    EXPECT_EQ(committed(root_).size, mebibytes(2));
    EXPECT_EQ(revisions(root_), before);
    reopen();
    EXPECT_EQ(read(root_), "amended");
    EXPECT_EQ(revisions(root_), before);
}

TEST_P(ContractTest, ARevisionIsRestoredIntoItsPlaceInTime) {
    create(root_, origin());
    set_time(root_, at(10));
    publish(root_, "b", at(30));
    publish(root_, "restored", at(20), api::Publish::AsRevision{revision_at(20)});
    publish(root_, "oldest", at(5), api::Publish::AsRevision{revision_at(5)});
    publish(root_, "c", at(40));
    EXPECT_EQ(contents(root_), (Texts{"oldest", "", "restored", "b"}));
    EXPECT_FALSE(found(root_, revision_at(20)).replaced);
    EXPECT_EQ(read(root_), "c");
}

TEST_P(ContractTest, ARestoredRevisionHasTheTimeOfItsName) {
    create(root_, origin());
    publish(root_, "restored", at(999), api::Publish::AsRevision{revision_at(20)});
    EXPECT_EQ(found(root_, revision_at(20)).state.modified.seconds, at(20).seconds);
    publish(root_, "precise", {at(30).seconds, 5'000'000}, api::Publish::AsRevision{revision_at(30)});
    EXPECT_EQ(found(root_, revision_at(30)).state.modified, (base::Timestamp{at(30).seconds, 5'000'000}));
    reopen();
    EXPECT_EQ(read(root_, revision_at(20)), "restored");
    EXPECT_EQ(found(root_, revision_at(20)).state.modified.seconds, at(20).seconds);
}

TEST_P(ContractTest, ALabelIsRestoredWithItsImagesTime) {
    create(root_, origin());
    publish(root_, "restored", at(20), api::Publish::AsRevision{revision("good")});
    EXPECT_EQ(found(root_, revision("good")).state.modified, at(20));
    EXPECT_EQ(found(root_, revision("good")).number, 0U);
    EXPECT_EQ(read(root_, revision("good")), "restored");
}

TEST_P(ContractTest, ARevisionIsRestoredBeforeItsVolumeExists) {
    ASSERT_TRUE(succeeded(pool_->create_vm(root_.vm, {})));
    publish(root_, "restored", at(20), api::Publish::AsRevision{revision_at(20)});
    ASSERT_TRUE(exists(root_));
    EXPECT_FALSE(view(root_).committed);
    EXPECT_EQ(contents(root_), Texts{"restored"});
    reopen();
    EXPECT_FALSE(view(root_).committed);
    EXPECT_EQ(contents(root_), Texts{"restored"});
    publish(root_, "state", at(30));
    EXPECT_EQ(read(root_), "state");
    EXPECT_EQ(contents(root_), Texts{"restored"});
}

TEST_P(ContractTest, NumberedRevisionsOfOneSecondAreRestoredInAnyOrder) {
    ASSERT_TRUE(succeeded(pool_->create_vm(root_.vm, {})));
    const base::RevisionId numbered = base::TimedName{at(1).seconds, 7};
    publish(root_, "numbered", at(1), api::Publish::AsRevision{numbered});
    EXPECT_EQ(found(root_, numbered).number, 7U);
    publish(root_, "plain", at(1), api::Publish::AsRevision{revision_at(1)});
    EXPECT_EQ(read(root_, numbered), "numbered");
    EXPECT_EQ(read(root_, revision_at(1)), "plain");
    reopen();
    EXPECT_EQ(view(root_).revisions.size(), 2U);
    EXPECT_EQ(read(root_, numbered), "numbered");
}

TEST_P(ContractTest, RestoringReplacesNothing) {
    create(root_, origin());
    set_time(root_, at(1));
    publish(root_, "b", at(2));
    run(root_, api::TakeSnapshot{label("label")});
    const auto full = base::RevisionId(base::TimedName{at(1).seconds, found(root_, revision_at(1)).number});
    for (const auto& id : {revision_at(1), revision("label"), full}) {
        auto written = image(root_.vm, "clash", mebibytes(1), at(1));
        refuse(root_, api::Publish{&written, api::Publish::AsRevision{id}}, Errc::Exists);
    }
}

TEST_P(ContractTest, RevisionsAreRestoredWhileTheVmRuns) {
    create(root_, origin());
    start(root_);
    write_device(root_, "running");
    publish(root_, "restored", at(20), api::Publish::AsRevision{revision_at(20)});
    EXPECT_EQ(read(root_, revision_at(20)), "restored");
    EXPECT_EQ(read_device(root_), "running");
}

TEST_P(ContractTest, SizesThatAreNotWholeSectorsAreNotPublished) {
    create(root_, origin());
    publish(root_, "kept", at(1));
    for (const std::uint64_t size : {1U, 511U, 513U, 1'000'000U}) {
        auto written = image(root_.vm, "x", {size}, at(2));
        refuse(root_, api::Publish{&written, api::Publish::AsCommitted{}}, Errc::InvalidArgument);
        refuse(root_, api::Publish{&written, api::Publish::AsAmendment{}}, Errc::InvalidArgument);
        refuse(root_, api::Publish{&written, api::Publish::AsRevision{revision_at(2)}}, Errc::InvalidArgument);
    }
    EXPECT_EQ(read(root_), "kept");
}

TEST_P(ContractTest, ARefusedImageCanBeMendedAndPublished) {
    create(root_, origin());
    auto written = image(root_.vm, "mended", {511}, at(2));
    refuse(root_, api::Publish{&written, api::Publish::AsCommitted{}}, Errc::InvalidArgument);
    ASSERT_TRUE(succeeded(written.storage().set_size({1024})));
    run(root_, api::Publish{&written, api::Publish::AsCommitted{}});
    EXPECT_EQ(read(root_), "mended");
    EXPECT_EQ(committed(root_).size, base::Bytes{1024});
}

TEST_P(ContractTest, AnEmptyImageIsPublished) {
    create(root_, origin());
    publish(root_, "", at(1), api::Publish::AsCommitted{}, {});
    EXPECT_EQ(committed(root_).size, base::Bytes{});
    refuse(root_, api::Start{}, Errc::InvalidArgument);
}

TEST_P(ContractTest, OnlyOriginsArePublishedTo) {
    create(root_, origin());
    create(app_, snapshot_of(root_));
    const auto swap = path("work", "volatile");
    create(swap, volatile_volume());
    for (const auto& volume : {app_, swap}) {
        auto written = image(volume.vm, "x", mebibytes(1), at(1));
        refuse(volume, api::Publish{&written, api::Publish::AsCommitted{}}, Errc::InvalidArgument);
        refuse(volume, api::Publish{&written, api::Publish::AsAmendment{}}, Errc::InvalidArgument);
        refuse(volume, api::Publish{&written, api::Publish::AsRevision{revision_at(1)}}, Errc::InvalidArgument);
    }
}

TEST_P(ContractTest, AnImageOfAMissingVmIsNotFound) { EXPECT_TRUE(failed(pool_->create_image(root_.vm, {}), Errc::NotFound)); }

TEST_P(ContractTest, ADiscardedImageLeavesNothing) {
    create(root_, origin());
    const auto before = files_in(place_->directory(root_.vm));
    {
        auto written = image(root_.vm, "dropped", mebibytes(1), at(1));
        EXPECT_GE(written.fd(), 0);
    }
    EXPECT_EQ(files_in(place_->directory(root_.vm)), before);
    run(root_, api::RemoveCommitted{});
    EXPECT_TRUE(succeeded(pool_->remove_vm(root_.vm)));
}

TEST_P(ContractTest, APublishedImageIsNotDiscarded) {
    create(root_, origin());
    {
        auto written = image(root_.vm, "kept", mebibytes(1), at(1));
        run(root_, api::Publish{&written, api::Publish::AsCommitted{}});
    }
    EXPECT_EQ(read(root_), "kept");
}

TEST_P(ContractTest, ImagesAreNoVolumes) {
    create(root_, origin());
    const auto written = image(root_.vm, "private", mebibytes(1), at(1));
    const auto loaded = pool_->load_volume(root_, &view(root_));
    ASSERT_TRUE(succeeded(loaded));
    EXPECT_EQ(describe(*loaded, Ids::Shown), describe(view(root_), Ids::Shown));
}

TEST_P(ContractTest, ImagesOfACrashAreRemoved) {
    create(root_, origin());
    const auto before = files_in(place_->directory(root_.vm));
    auto forgotten = std::make_unique<api::PrivateImage>(image(root_.vm, "half", mebibytes(1), at(1)));
    forgotten->published();  // as a crash does: nobody removes it
    forgotten.reset();
    reboot();
    EXPECT_EQ(files_in(place_->directory(root_.vm)), before);
    EXPECT_TRUE(vms_.at(root_.vm).foreign.empty());
    EXPECT_EQ(views_.size(), 1U);
}

TEST_P(ContractTest, AnImageIsACloneOfAState) {
    create(root_, origin());
    publish(root_, "first", at(1), api::Publish::AsCommitted{}, mebibytes(3));
    const auto state = open_state(root_);
    ASSERT_TRUE(succeeded(state));
    auto clone = pool_->create_image(root_.vm, state->get());
    ASSERT_TRUE(succeeded(clone));
    EXPECT_EQ(text_of(clone->fd()), "first");
    struct stat status {};
    ASSERT_EQ(::fstat(clone->fd(), &status), 0);
    EXPECT_EQ(status.st_size, static_cast<off_t>(mebibytes(3).count));
    put_text(clone->fd(), "changed");
    EXPECT_EQ(read(root_), "first") << "an open transaction and the state it began with share no file";
    run(root_, api::Publish{&*clone, api::Publish::AsCommitted{}});
    EXPECT_EQ(read(root_), "changed");
}

TEST_P(ContractTest, AnImageIsACloneOfAnotherVmsState) {
    create(root_, origin());
    publish(root_, "theirs", at(1));
    ASSERT_TRUE(succeeded(pool_->create_vm(app_.vm, {})));
    const auto state = open_state(root_);
    ASSERT_TRUE(succeeded(state));
    auto clone = pool_->create_image(app_.vm, state->get());
    ASSERT_TRUE(succeeded(clone));
    run(app_, api::Publish{&*clone, api::Publish::AsCommitted{}});
    EXPECT_EQ(read(app_), "theirs");
    EXPECT_NE(committed(app_).identity, committed(root_).identity);
}

TEST_P(ContractTest, PublishingASparseImageKeepsItSparse) {
    create(root_, origin());
    publish(root_, "start", at(1), api::Publish::AsCommitted{}, mebibytes(256));
    EXPECT_LT(committed(root_).allocated, mebibytes(8));
}

// ---- growing

TEST_P(ContractTest, AHaltedOriginGrows) {
    create(root_, origin());
    publish(root_, "data", at(1));
    const auto count = view(root_).revisions.size();
    clock_.advance(5);
    run(root_, api::Resize{mebibytes(16)});
    EXPECT_EQ(committed(root_).size, mebibytes(16));
    EXPECT_EQ(view(root_).revisions.size(), count) << "growing loses nothing, so it keeps nothing";
    EXPECT_EQ(read(root_), "data");
    EXPECT_LT(committed(root_).allocated, mebibytes(8));
    start(root_);
    EXPECT_EQ(view(root_).session->size, mebibytes(16));
}

TEST_P(ContractTest, SizesThatCannotBeAreRefused) {
    create(root_, origin());
    for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{511}, mebibytes(1).count + 1, (std::uint64_t{1} << 63) - 1})
        refuse(root_, api::Resize{{size}}, Errc::InvalidArgument);
    refuse(root_, api::Resize{{std::uint64_t{1} << 63}}, Errc::TooLarge);
}

TEST_P(ContractTest, ShrinkingIsRefused) {
    create(root_, origin(mebibytes(2)));
    refuse(root_, api::Resize{{}}, Errc::InvalidArgument);
    refuse(root_, api::Resize{{512}}, Errc::InvalidArgument);
    refuse(root_, api::Resize{mebibytes(1)}, Errc::InvalidArgument);
    start(root_);
    run(root_, api::Resize{mebibytes(4)});
    refuse(root_, api::Resize{mebibytes(3)}, Errc::InvalidArgument);
}

TEST_P(ContractTest, ResizingToTheSameSizeChangesNothing) {
    create(root_, origin());
    publish(root_, "data", at(1));
    const auto before = describe(view(root_), Ids::Shown);
    clock_.advance(5);
    run(root_, api::Resize{mebibytes(1)});
    EXPECT_EQ(describe(view(root_), Ids::Shown), before);
}

TEST_P(ContractTest, ARunningOriginGrowsAndTheCommittedStateStays) {
    create(root_, origin());
    publish(root_, "data", at(1));
    start(root_);
    run(root_, api::Resize{mebibytes(4)});
    EXPECT_EQ(view(root_).session->size, mebibytes(4));
    EXPECT_EQ(committed(root_).size, mebibytes(1));
    EXPECT_EQ(read_device(root_), "data");
    stop(root_);
    EXPECT_EQ(committed(root_).size, mebibytes(4)) << "the growth alone is a change";
    EXPECT_EQ(found(root_, revision_at(1)).state.size, mebibytes(1));
    EXPECT_EQ(read(root_), "data");
}

TEST_P(ContractTest, ADiscardedGrowthIsUndone) {
    create(root_, origin());
    start(root_);
    run(root_, api::Resize{mebibytes(4)});
    discard(root_);
    EXPECT_EQ(committed(root_).size, mebibytes(1));
}

TEST_P(ContractTest, AVolatileVolumeGrowsHaltedAndRunning) {
    create(app_, volatile_volume());
    run(app_, api::Resize{mebibytes(2)});
    EXPECT_EQ(view(app_).config.size, mebibytes(2));
    start(app_);
    EXPECT_EQ(view(app_).session->size, mebibytes(2));
    run(app_, api::Resize{mebibytes(3)});
    EXPECT_EQ(view(app_).session->size, mebibytes(3));
    reopen();
    EXPECT_EQ(view(app_).session->size, mebibytes(3));
}

TEST_P(ContractTest, ASnapshotGrowsOnlyWhileItRuns) {
    create(root_, origin());
    create(app_, snapshot_of(root_));
    refuse(app_, api::Resize{mebibytes(4)}, Errc::InvalidArgument);
    start(app_);
    run(app_, api::Resize{mebibytes(4)});
    EXPECT_EQ(view(app_).session->size, mebibytes(4));
    EXPECT_EQ(committed(root_).size, mebibytes(1));
    {
        const base::UniqueFd device(::open(pool_->device(app_, view(app_))->c_str(), O_RDWR | O_CLOEXEC));
        EXPECT_EQ(::lseek(device.get(), 0, SEEK_END), static_cast<off_t>(mebibytes(4).count));
        put_text(device.get(), "behind", mebibytes(3).count);
        ASSERT_EQ(::fsync(device.get()), 0);
    }
    run(app_, api::Resize{mebibytes(6)});
    reopen();
    EXPECT_EQ(view(app_).session->size, mebibytes(6));
    {
        const base::UniqueFd device(::open(pool_->device(app_, view(app_))->c_str(), O_RDONLY | O_CLOEXEC));
        EXPECT_EQ(::lseek(device.get(), 0, SEEK_END), static_cast<off_t>(mebibytes(6).count));
        EXPECT_EQ(text_of(device.get(), mebibytes(3).count), "behind");
    }
    stop(app_);
    start(app_);
    EXPECT_EQ(view(app_).session->size, mebibytes(1));
}

TEST_P(ContractTest, WithoutASnapshotLayerARunningVolumeGrowsForGood) {
    auto config = origin();
    config.revisions_to_keep = keep(-1);
    create(root_, config);
    start(root_);
    run(root_, api::Resize{mebibytes(4)});
    stop(root_);
    EXPECT_EQ(committed(root_).size, mebibytes(4));
}

}  // namespace
}  // namespace varve::contract
