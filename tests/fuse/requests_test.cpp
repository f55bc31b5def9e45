// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests that are cut off, unknown, or ask for sizes and offsets beyond all reason.
//
// Not tried, since only a kernel can write to /dev/fuse and libfuse and we trust it: a WRITE that says it is longer than its message, a request
// with a handle that is missing or was never given out.
#include "tests/fuse/fuse_world.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <limits>

namespace varve::fuse_test {
namespace {

constexpr std::uint64_t largest_offset = std::numeric_limits<std::int64_t>::max();
// Where not even one block fits, and what is negative as off_t.
const std::vector<std::uint64_t> odd_offsets = {largest_offset, largest_offset - 1, largest_offset + 1, ~std::uint64_t{0},
                                                ~std::uint64_t{0} - 4095};

class Requests : public FuseWorld {
protected:
    Requests() {
        begin();
        directory_ = work_directory();
        file_ = wire().lookup(directory_, "root.img").out.nodeid;
    }

    void expect_untouched() {
        EXPECT_EQ(wire().content(directory_, "root.img"), "first");
        EXPECT_TRUE(volume_.view()->revisions.empty());
    }
    int allocate(const Wire::Opened& open, std::uint32_t mode, std::uint64_t offset, std::uint64_t length) {
        return wire().call(FUSE_FALLOCATE, open.node, raw(fuse_fallocate_in{open.handle, offset, length, mode, 0})).error;
    }
    Answer seek(std::uint64_t handle, std::uint64_t offset, std::uint32_t whence) {
        return wire().call(FUSE_LSEEK, file_, raw(fuse_lseek_in{handle, offset, whence, 0}));
    }

    VolumeRef volume_ = work();
    NodeId directory_ = 0;
    NodeId file_ = 0;
};

TEST_F(Requests, UnknownOnesAreNotImplemented) {
    const std::string body(256, '\0');
    for (const std::uint32_t opcode : {0U, 7U, 19U, 49U + 1000U, 4095U, 4097U, 1048576U, ~0U})
        EXPECT_EQ(wire().call(opcode, file_, body).error, ENOSYS);
    for (const std::uint32_t opcode :
         {FUSE_GETXATTR, FUSE_SETXATTR, FUSE_LISTXATTR, FUSE_REMOVEXATTR, FUSE_ACCESS, FUSE_BMAP, FUSE_IOCTL, FUSE_GETLK, FUSE_SETLK,
          FUSE_SETLKW, FUSE_FSYNCDIR, FUSE_SETUPMAPPING, FUSE_REMOVEMAPPING, FUSE_SYNCFS, FUSE_TMPFILE})
        EXPECT_EQ(wire().call(opcode, file_, body).error, ENOSYS) << opcode;
    expect_untouched();
}

// What counts is the message.
TEST_F(Requests, TheLengthInTheHeaderIsNotReliedOn) {
    for (const std::uint32_t length : {0U, 1U, 40U, 1U << 20, ~0U}) {
        EXPECT_EQ(wire().wait(wire().send(FUSE_LOOKUP, directory_, name_of("root.img"), length)).error, 0);
        EXPECT_EQ(wire().wait(wire().send(FUSE_GETATTR, file_, raw(fuse_getattr_in{}), length)).error, 0);
    }
    expect_untouched();
}

// libfuse reads on in its buffer, where earlier requests lie. Whatever that makes of them: one answer each.
TEST_F(Requests, BodiesThatAreMissing) {
    for (int round = 0; round < 20; ++round)
        for (const std::uint32_t opcode : {FUSE_LOOKUP, FUSE_GETATTR, FUSE_SETATTR, FUSE_READLINK, FUSE_SYMLINK, FUSE_MKNOD, FUSE_MKDIR,
                                           FUSE_RMDIR, FUSE_LINK, FUSE_STATFS, FUSE_INTERRUPT}) {
            const auto unique = wire().send(opcode, directory_, "");
            if (opcode != FUSE_INTERRUPT) (void)wire().wait(unique);
        }
    expect_untouched();
}

TEST_F(Requests, LessThanAHeaderEndsTheSession) {
    wire().send_bytes(std::string(sizeof(fuse_in_header) - 1, '\0'));
    EXPECT_TRUE(engine_test::failed(ended(), base::Errc::Io));
    begin();
    EXPECT_EQ(wire().content(work_directory(), "root.img"), "first");
}

TEST_F(Requests, ReadsOfEverySize) {
    const auto opened = wire().open(file_, O_RDONLY).out.fh;
    const auto size = wire().getattr(file_).out.attr.size;
    EXPECT_TRUE(wire().read(file_, opened, 0, 0).body.empty());
    EXPECT_EQ(wire().read(file_, opened, 0, 1).body, "f");
    EXPECT_EQ(wire().read(file_, opened, 0, ~std::uint32_t{0}).body.size(), size);
    EXPECT_EQ(wire().read(file_, opened, size - 1, ~std::uint32_t{0}).body.size(), 1U);
    EXPECT_EQ(wire().read(file_, opened, size, 1).body.size(), 0U);
    for (const auto offset : odd_offsets) EXPECT_TRUE(wire().read(file_, opened, offset, 4096).body.empty()) << offset;
    EXPECT_EQ(wire().release(file_, opened), 0);

    rusage used{};
    ASSERT_EQ(::getrusage(RUSAGE_SELF, &used), 0);
    EXPECT_LT(used.ru_maxrss, 1L << 20);  // KiB: what was asked for was not set aside
}

TEST_F(Requests, ControlFilesAtEveryOffset) {
    const auto control = wire().walk({"pools", "p", "work", ".varve", "root", "size"});
    const auto opened = wire().open(control, O_RDONLY);
    ASSERT_EQ(opened.error, 0);
    EXPECT_FALSE(wire().read(control, opened.out.fh, 0, ~std::uint32_t{0}).body.empty());
    for (const auto offset : odd_offsets) EXPECT_TRUE(wire().read(control, opened.out.fh, offset, 4096).body.empty()) << offset;
    EXPECT_EQ(wire().release(control, opened.out.fh), 0);
}

TEST_F(Requests, WritesBeyondTheLargestFileSpoilTheTransaction) {
    for (const auto offset : odd_offsets) {
        const auto open = wire().open_for_writing(directory_, "root.img");
        ASSERT_EQ(open.error, 0);
        EXPECT_EQ(wire().write(open.node, open.handle, 0, "second"), 0);
        EXPECT_EQ(wire().write(open.node, open.handle, offset, ""), 0);
        EXPECT_NE(wire().write(open.node, open.handle, offset, "beyond"), 0) << offset;
        EXPECT_NE(wire().flush(open.node, open.handle), 0) << offset;
        EXPECT_EQ(wire().release(open.node, open.handle), 0);
        expect_untouched();
    }
}

TEST_F(Requests, SizesBeyondTheLargestFile) {
    const auto open = wire().open_for_writing(directory_, "root.img");
    ASSERT_EQ(open.error, 0);
    for (const auto size : {largest_offset + 1, ~std::uint64_t{0}}) {
        fuse_setattr_in wanted{};
        wanted.valid = FATTR_SIZE;
        wanted.size = size;
        EXPECT_EQ(wire().setattr(file_, wanted).error, EBUSY) << size;  // by path, while it is written
        EXPECT_NE(wire().setattr(open.node, wanted).error, 0) << size;
    }
    EXPECT_EQ(wire().release(open.node, open.handle), 0);
    expect_untouched();
    fuse_setattr_in wanted{};
    wanted.valid = FATTR_SIZE;
    wanted.size = ~std::uint64_t{0};
    EXPECT_NE(wire().setattr(file_, wanted).error, 0);
    expect_untouched();
}

TEST_F(Requests, AllocatingWhatCannotBe) {
    const auto open = wire().open_for_writing(directory_, "root.img");
    ASSERT_EQ(open.error, 0);
    EXPECT_NE(allocate(open, 0, 0, 0), 0);
    for (const auto offset : odd_offsets) {
        EXPECT_NE(allocate(open, 0, offset, 4096), 0) << offset;
        EXPECT_NE(allocate(open, 0, 4096, offset), 0) << offset;
        EXPECT_NE(allocate(open, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, offset), 0) << offset;
    }
    EXPECT_NE(allocate(open, ~0U, 0, 4096), 0);
    EXPECT_EQ(wire().release(open.node, open.handle), 0);
    expect_untouched();

    const auto reader = wire().open(file_, O_RDONLY).out.fh;
    EXPECT_EQ(allocate({0, file_, reader}, 0, 0, 4096), EROFS);
    EXPECT_EQ(wire().release(file_, reader), 0);
}

TEST_F(Requests, SeekingFromAndToNowhere) {
    const auto opened = wire().open(file_, O_RDONLY).out.fh;
    const auto size = wire().getattr(file_).out.attr.size;
    for (const std::uint32_t whence : {SEEK_DATA, SEEK_HOLE}) {
        EXPECT_EQ(seek(opened, size, whence).error, ENXIO);
        for (const auto offset : odd_offsets) EXPECT_NE(seek(opened, offset, whence).error, 0) << offset;
    }
    EXPECT_NE(seek(opened, 0, 99).error, 0);
    EXPECT_EQ(seek(opened, 0, SEEK_DATA).error, 0);
    EXPECT_EQ(wire().release(file_, opened), 0);
}

class Copies : public Requests {
protected:
    Copies() {
        source_ = wire().open(file_, O_RDONLY).out.fh;
        target_ = wire().create(directory_, ".copy", O_RDWR | O_EXCL).out;
    }
    void TearDown() override {
        EXPECT_EQ(wire().release(file_, source_), 0);
        EXPECT_EQ(wire().release(target_.entry.nodeid, target_.open.fh), 0);
        Requests::TearDown();
    }
    // The count, or the negated errno.
    std::int64_t copy(std::uint64_t from, std::uint64_t to, std::uint64_t length) {
        const auto answer = wire().call(FUSE_COPY_FILE_RANGE, file_,
                                        raw(fuse_copy_file_range_in{source_, from, target_.entry.nodeid, target_.open.fh, to, length, 0}));
        if (answer.error != 0) return -answer.error;
        fuse_write_out out{};
        std::memcpy(&out, answer.body.data(), sizeof out);
        return out.size;
    }
    std::uint64_t target_size() { return wire().getattr(target_.entry.nodeid).out.attr.size; }

    std::uint64_t source_ = 0;
    Created target_{};
};

TEST_F(Copies, OfNothing) {
    EXPECT_EQ(copy(0, 0, 0), 0);
    EXPECT_EQ(target_size(), 0U);  // a length of 0 means "to the end" further below
    EXPECT_EQ(copy(1U << 16, 0, 4096), 0);
    EXPECT_EQ(target_size(), 0U);
}

TEST_F(Copies, BeyondTheEnd) {
    for (const auto offset : odd_offsets) {
        EXPECT_EQ(copy(offset, 0, 4096), 0) << offset;
        EXPECT_LT(copy(0, offset, 4096), 0) << offset;
    }
    EXPECT_EQ(target_size(), 0U);
    EXPECT_EQ(copy(0, 0, ~std::uint64_t{0}), 1 << 16);
    EXPECT_EQ(target_size(), 1U << 16);
    EXPECT_EQ(wire().content(directory_, ".copy"), "first");
}

// A transaction is source and target at once, and then two of them are each other's.
TEST_F(Copies, WithinAndBetweenTransactions) {
    const auto second = origin("work", "second", base::Bytes{1U << 16});
    commit(second, "other", 1'500'000'000);
    const auto here = wire().open_for_writing(directory_, "root.img");
    const auto there = wire().open_for_writing(directory_, "second.img");
    ASSERT_EQ(here.error, 0);
    ASSERT_EQ(there.error, 0);
    const auto copy_between = [&](const Wire::Opened& from, std::uint64_t from_offset, const Wire::Opened& to, std::uint64_t to_offset) {
        return wire().send(FUSE_COPY_FILE_RANGE, from.node,
                           raw(fuse_copy_file_range_in{from.handle, from_offset, to.node, to.handle, to_offset, 4096, 0}));
    };
    EXPECT_EQ(wire().wait(copy_between(here, 0, here, 8192)).error, 0);
    EXPECT_EQ(wire().read(here.node, here.handle, 8192, 5).body, "first");
    std::vector<Unique> asked;
    for (int i = 0; i < 50; ++i) {
        asked.push_back(copy_between(here, 0, there, 4096));
        asked.push_back(copy_between(there, 0, here, 4096));
    }
    for (const auto unique : asked) EXPECT_EQ(wire().wait(unique).error, 0);
    for (const auto& [open, copied] : {std::pair(here, "other"), std::pair(there, "first")}) {
        EXPECT_EQ(wire().read(open.node, open.handle, 4096, 5).body, copied);
        EXPECT_EQ(wire().flush(open.node, open.handle), 0);
        EXPECT_EQ(wire().release(open.node, open.handle), 0);
    }
}

// The answer has 32 bits for the count, and kernels before 6.17 ask for more: one that wraps to 0 reads as the end of the source.
TEST_F(Copies, NeverMoreThanTheAnswerCanSay) {
    const auto size = std::uint64_t{5} << 30;
    const auto large = origin("work", "large", base::Bytes{size});
    commit(large, "large", 1'500'000'000);
    {
        fuse_setattr_in wanted{};
        wanted.valid = FATTR_SIZE;
        wanted.size = size;
        ASSERT_EQ(wire().setattr(wire().lookup(directory_, "large.img").out.nodeid, wanted).error, 0);
    }
    EXPECT_EQ(wire().release(file_, source_), 0);
    file_ = wire().lookup(directory_, "large.img").out.nodeid;
    source_ = wire().open(file_, O_RDONLY).out.fh;
    ASSERT_EQ(wire().getattr(file_).out.attr.size, size);
    std::uint64_t done = 0;
    while (done < size) {
        const auto count = copy(done, done, std::max(size - done, std::uint64_t{1} << 32));
        ASSERT_GT(count, 0);
        done += static_cast<std::uint64_t>(count);
        ASSERT_EQ(target_size(), done);
    }
    EXPECT_EQ(wire().content(directory_, ".copy"), "large");
}

}  // namespace
}  // namespace varve::fuse_test
