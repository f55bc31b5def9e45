// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading states while everything around them changes, sharing ranges, and what states cost.
#include "tests/contract/contract_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace varve::contract {
namespace {

using base::Errc;

TEST_P(ContractTest, AnOpenStateIsReadOnly) {
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto opened = open_state(root_);
    ASSERT_TRUE(succeeded(opened));
    EXPECT_EQ(::fcntl(opened->get(), F_GETFL) & O_ACCMODE, O_RDONLY);
    EXPECT_NE(::fcntl(opened->get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(::pwrite(opened->get(), "x", 1, 0), -1);
}

TEST_P(ContractTest, AnOpenStateGoesOnShowingItself) {
    create(root_, origin());
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    const auto first = open_state(root_);
    ASSERT_TRUE(succeeded(first));
    session(root_, "second", at(2));
    EXPECT_EQ(text_of(first->get()), "first") << "after a stop";
    const auto revision_fd = open_state(root_, revision_at(1));
    ASSERT_TRUE(succeeded(revision_fd));
    publish(root_, "third", at(3));
    const auto third = open_state(root_);
    run(root_, api::Revert{revision_at(1)});
    EXPECT_EQ(text_of(first->get()), "first") << "after a revert";
    EXPECT_EQ(text_of(third->get()), "third") << "after a revert away from it";
    session(root_, "fourth", at(4), retention(0));
    EXPECT_EQ(text_of(revision_fd->get()), "first") << "after pruning";
    run(root_, api::RemoveCommitted{});
    EXPECT_FALSE(exists(root_));
    EXPECT_EQ(text_of(first->get()), "first") << "after removal";
    EXPECT_EQ(text_of(third->get()), "third") << "after removal";
}

TEST_P(ContractTest, AnOpenStateIsNotWrittenByALaterSession) {
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto opened = open_state(root_);
    ASSERT_TRUE(succeeded(opened));
    start(root_);
    write_device(root_, "second");
    EXPECT_EQ(text_of(opened->get()), "first");
    stop(root_);
    start(root_);
    write_device(root_, "third");
    EXPECT_EQ(read(root_), "second");
    EXPECT_EQ(text_of(opened->get()), "first");
}

TEST_P(ContractTest, OpeningWhatIsNotThereIsNotFound) {
    create(root_, origin());
    EXPECT_TRUE(failed(open_state(root_, revision_at(1)), Errc::NotFound));
    EXPECT_TRUE(failed(open_state(root_, revision("label")), Errc::NotFound));
    EXPECT_TRUE(failed(open_state(root_, api::BaseState{}), Errc::NotFound));
}

TEST_P(ContractTest, AnOpenStateHasTheStatesSize) {
    create(root_, origin(mebibytes(3)));
    const auto opened = open_state(root_);
    ASSERT_TRUE(succeeded(opened));
    EXPECT_EQ(::lseek(opened->get(), 0, SEEK_END), static_cast<off_t>(mebibytes(3).count)) << "a device's is not in its stat";
}

TEST_P(ContractTest, HolesStayHolesThroughASession) {
    create(root_, origin(mebibytes(64)));
    start(root_);
    const auto device = pool_->device(root_, view(root_));
    ASSERT_TRUE(succeeded(device));
    {
        const base::UniqueFd opened(::open(device->c_str(), O_RDWR | O_CLOEXEC));
        put_text(opened.get(), "end", mebibytes(63).count);
        ASSERT_EQ(::fsync(opened.get()), 0);
    }
    stop(root_);
    EXPECT_LT(committed(root_).allocated, mebibytes(8));
    const auto state = open_state(root_);
    ASSERT_TRUE(succeeded(state));
    EXPECT_EQ(text_of(state->get(), mebibytes(63).count), "end");
    struct stat status {};
    ASSERT_EQ(::fstat(state->get(), &status), 0);
    if (!S_ISREG(status.st_mode)) return;  // devices tell nothing of holes
    EXPECT_GE(::lseek(state->get(), 0, SEEK_DATA), static_cast<off_t>(mebibytes(62).count));
}

// ---- clone_range

constexpr base::Bytes block{65536};  // a multiple of every block size below

class Ranges {
public:
    Ranges(api::Pool& pool, const base::VmName& vm, base::Bytes from_size, base::Bytes to_size)
        : from(pool.create_image(vm, {}).value()), to(pool.create_image(vm, {}).value()) {
        EXPECT_TRUE(succeeded(from.storage().set_size(from_size)));
        EXPECT_TRUE(succeeded(to.storage().set_size(to_size)));
        for (std::uint64_t offset = 0; offset + 64 <= from_size.count; offset += block.count)
            put_image_text(from, "f" + std::to_string(offset / block.count), offset);
    }
    [[nodiscard]] std::uint64_t size() const { return to.storage().facts().value().size.count; }

    api::PrivateImage from;
    api::PrivateImage to;
};

TEST_P(ContractTest, ARangeIsClonedExactlyWhenTheDriverClones) {
    create(root_, origin());
    Ranges ranges(*pool_, root_.vm, {4 * block.count}, {4 * block.count});
    const auto cloned = pool_->clone_range(ranges.from.fd(), block, ranges.to, {2 * block.count}, block);
    if (!pool_->capabilities().clone_ranges) {
        EXPECT_TRUE(failed(cloned, Errc::Unsupported));
        EXPECT_EQ(text_of(ranges.to.fd(), 2 * block.count), "");
        return;
    }
    ASSERT_TRUE(succeeded(cloned));
    EXPECT_EQ(text_of(ranges.to.fd(), 2 * block.count), "f1");
    EXPECT_EQ(text_of(ranges.to.fd(), 3 * block.count), "");
    EXPECT_EQ(text_of(ranges.to.fd(), block.count), "");
    put_image_text(ranges.from, "changed", block.count);
    EXPECT_EQ(text_of(ranges.to.fd(), 2 * block.count), "f1") << "copy on write";
}

TEST_P(ContractTest, LengthZeroClonesToTheEnd) {
    if (!pool_->capabilities().clone_ranges) return;  // refused whole: ARangeIsClonedExactlyWhenTheDriverClones
    create(root_, origin());
    Ranges ranges(*pool_, root_.vm, {4 * block.count}, {});
    ASSERT_TRUE(succeeded(pool_->clone_range(ranges.from.fd(), {}, ranges.to, {}, {})));
    EXPECT_EQ(ranges.size(), 4 * block.count);
    EXPECT_EQ(text_of(ranges.to.fd(), 3 * block.count), "f3");
}

TEST_P(ContractTest, AnUnalignedRangeIsUnsupportedUnlessItEndsBothFiles) {
    if (!pool_->capabilities().clone_ranges) return;  // refused whole: ARangeIsClonedExactlyWhenTheDriverClones
    create(root_, origin());
    Ranges ranges(*pool_, root_.vm, {2 * block.count + 512}, {8 * block.count});
    const auto clone = [&](std::uint64_t from, std::uint64_t to, std::uint64_t length) {
        return pool_->clone_range(ranges.from.fd(), {from}, ranges.to, {to}, {length});
    };
    EXPECT_TRUE(failed(clone(512, 0, block.count), Errc::Unsupported));
    EXPECT_TRUE(failed(clone(0, 512, block.count), Errc::Unsupported));
    EXPECT_TRUE(failed(clone(0, 0, 512), Errc::Unsupported));
    EXPECT_TRUE(failed(clone(2 * block.count, 0, 512), Errc::Unsupported)) << "the source's tail in the middle of the target";
    EXPECT_EQ(text_of(ranges.to.fd()), "");
    ASSERT_TRUE(succeeded(clone(2 * block.count, 8 * block.count, 512)));
    EXPECT_EQ(ranges.size(), 8 * block.count + 512);
    EXPECT_EQ(text_of(ranges.to.fd(), 8 * block.count), "f2");
}

TEST_P(ContractTest, ARangeOfAStateIsClonedIntoAnImage) {
    if (!pool_->capabilities().clone_ranges) return;  // refused whole: ARangeIsClonedExactlyWhenTheDriverClones
    create(root_, origin());
    publish(root_, "state", at(1));
    const auto state = open_state(root_);
    ASSERT_TRUE(succeeded(state));
    auto target = image(root_.vm, "", mebibytes(1), at(2));
    ASSERT_TRUE(succeeded(pool_->clone_range(state->get(), {}, target, {}, {})));
    run(root_, api::Publish{&target, api::Publish::AsCommitted{}});
    EXPECT_EQ(read(root_), "state");
}

// The volume is still what it was.
struct Lock final : api::Pool::StillCurrent {};

// ---- exclusive

TEST_P(ContractTest, ExclusiveCountsOnlyWhatRemovalFrees) {
    create(root_, origin(mebibytes(4)));
    {
        auto written = image(root_.vm, "", mebibytes(4), at(1));
        const std::string data(mebibytes(2).count, 'd');
        ASSERT_TRUE(succeeded(written.storage().write(data, {})));
        ASSERT_TRUE(succeeded(written.storage().sync(false)));
        run(root_, api::Publish{&written, api::Publish::AsAmendment{}});
    }
    const auto alone = pool_->exclusive(root_, view(root_), api::CommittedState{});
    ASSERT_TRUE(succeeded(alone));
    EXPECT_GE(*alone, mebibytes(2));
    EXPECT_LT(*alone, mebibytes(3));
    run(root_, api::TakeSnapshot{label("label")});
    const auto shared = pool_->exclusive(root_, view(root_), api::CommittedState{});
    const auto labelled = pool_->exclusive(root_, view(root_), revision("label"));
    ASSERT_TRUE(succeeded(shared));
    ASSERT_TRUE(succeeded(labelled));
    const auto expected = pool_->capabilities().label == api::Method::Clone ? mebibytes(0) : mebibytes(2);
    EXPECT_LT(*shared, expected + mebibytes(1));
    EXPECT_LT(*labelled, expected + mebibytes(1));
    EXPECT_TRUE(failed(pool_->exclusive(root_, view(root_), revision("missing")), Errc::NotFound));
}

// ---- may_differ

namespace {

// The bytes of a state, all zeros behind its end.
std::string bytes_of(const base::UniqueFd& state, std::size_t count) {
    std::string bytes(count, '\0');
    EXPECT_GE(::pread(state.get(), bytes.data(), count, 0), 0);
    return bytes;
}

}  // namespace

TEST_P(ContractTest, WhatMayDifferCoversWhatDiffers) {
    constexpr std::size_t size = std::size_t{4} << 20;
    create(root_, origin(mebibytes(4)));
    const auto write_state = [&](std::size_t offset, std::size_t count, char mark, base::Bytes grown) {
        const auto present = open_state(root_);
        ASSERT_TRUE(succeeded(present));
        auto written = pool_->create_image(root_.vm, present->get());
        ASSERT_TRUE(succeeded(written));
        if (grown.count != 0) {
            ASSERT_TRUE(succeeded(written->storage().set_size(grown)));
        }
        ASSERT_TRUE(succeeded(written->storage().write(std::string(count, mark), {offset})));
        ASSERT_TRUE(succeeded(written->storage().sync(false)));
        run(root_, api::Publish{&*written, api::Publish::AsCommitted{}});
    };
    ASSERT_NO_FATAL_FAILURE(write_state(0, 2 << 20, 'a', {}));
    run(root_, api::TakeSnapshot{label("first")});
    ASSERT_NO_FATAL_FAILURE(write_state(1 << 20, 512, 'b', {}));
    run(root_, api::TakeSnapshot{label("second")});
    ASSERT_NO_FATAL_FAILURE(write_state(size, 4096, 'c', mebibytes(5)));

    const std::vector<std::pair<api::StateRef, api::StateRef>> pairs{{revision("first"), revision("second")},
                                                                     {revision("second"), revision("first")},
                                                                     {revision("second"), api::CommittedState{}},
                                                                     {revision("first"), api::CommittedState{}}};
    for (const auto& [one, other] : pairs) {
        const auto told = pool_->may_differ(root_, view(root_), one, other);
        ASSERT_TRUE(succeeded(told));
        const auto left = bytes_of(open_state(root_, one).value(), size + (1 << 20));
        const auto right = bytes_of(open_state(root_, other).value(), size + (1 << 20));
        std::size_t at = 0;  // where the last extent ended
        for (const auto& extent : base::coarsened(*told, {left.size()}, left.size())) {
            EXPECT_EQ(left.compare(at, extent.offset.count - at, right, at, extent.offset.count - at), 0)
                << "before " << extent.offset.count;
            at = extent.end().count;
        }
        EXPECT_EQ(left.compare(at, std::string::npos, right, at, std::string::npos), 0) << "behind " << at;
    }
    EXPECT_TRUE(failed(pool_->may_differ(root_, view(root_), revision("missing"), api::CommittedState{}), Errc::NotFound) ||
                base::coarsened(*pool_->may_differ(root_, view(root_), revision("missing"), api::CommittedState{}), {1}, 1).size() == 1)
        << "everything from who cannot tell";
}

TEST_P(ContractTest, ThePoolKnowsItsSpace) {
    const auto space = pool_->space();
    ASSERT_TRUE(succeeded(space));
    EXPECT_GT(space->size, mebibytes(1));
    EXPECT_LE(space->available, space->size);
    EXPECT_LE(space->used, space->size);
}

TEST_P(ContractTest, PreparingAStartChangesNothingThatIsSeen) {
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto before = describe(view(root_), Ids::Shown);
    ASSERT_TRUE(succeeded(pool_->prepare_start(root_, view(root_), [] { return std::make_unique<Lock>(); })));
    const auto after = pool_->load_volume(root_, &view(root_));
    ASSERT_TRUE(succeeded(after));
    EXPECT_EQ(describe(*after, Ids::Shown), before);
    session(root_, "second", at(2));
    EXPECT_EQ(read(root_), "second");
    EXPECT_EQ(read(root_, revision_at(1)), "first");
}

TEST_P(ContractTest, APreparedStartIsNotUsedForALaterState) {
    create(root_, origin());
    publish(root_, "first", at(1));
    ASSERT_TRUE(succeeded(pool_->prepare_start(root_, view(root_), [] { return std::make_unique<Lock>(); })));
    publish(root_, "second", at(2));
    start(root_);
    EXPECT_EQ(read_device(root_), "second");
    discard(root_);
    ASSERT_TRUE(succeeded(pool_->prepare_start(root_, view(root_), [] { return std::make_unique<Lock>(); })));
    run(root_, api::Resize{mebibytes(2)});
    start(root_);
    EXPECT_EQ(view(root_).session->size, mebibytes(2));
    EXPECT_EQ(read_device(root_), "second");
}

TEST_P(ContractTest, APreparedStartIsDroppedWhenTheVolumeHasChanged) {
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto stale = view(root_);
    publish(root_, "second", at(2));
    (void)pool_->prepare_start(root_, stale, [] { return std::unique_ptr<api::Pool::StillCurrent>(); });  // may refuse: nothing may happen
    start(root_);
    EXPECT_EQ(read_device(root_), "second");
}

}  // namespace
}  // namespace varve::contract
