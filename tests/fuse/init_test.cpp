// SPDX-License-Identifier: LGPL-2.1-or-later
// INIT: what is asked of the kernel and what never is.
#include "tests/fuse/fuse_world.h"

namespace varve::fuse_test {
namespace {

class Init : public FuseWorld {};

std::uint64_t flags_of(const fuse_init_out& out) { return out.flags | (static_cast<std::uint64_t>(out.flags2) << 32); }

TEST_F(Init, AsksForWhatItReliesOn) {
    const auto answer = connect().init(FUSE_KERNEL_MINOR_VERSION, all_flags);
    ASSERT_EQ(answer.error, 0);
    EXPECT_EQ(answer.out.major, 7U);
    const auto flags = flags_of(answer.out);
    for (const auto wanted :
         {FUSE_ATOMIC_O_TRUNC, FUSE_DO_READDIRPLUS, FUSE_READDIRPLUS_AUTO, FUSE_ASYNC_READ, FUSE_BIG_WRITES, FUSE_MAX_PAGES})
        EXPECT_NE(flags & static_cast<std::uint64_t>(wanted), 0U) << std::hex << wanted;
    EXPECT_EQ(answer.out.max_write, 1U << 20);
    EXPECT_EQ(answer.out.max_pages, 256);
    EXPECT_EQ(answer.out.time_gran, 1U);
    EXPECT_EQ(answer.out.max_background, 64);
}

// The kernel would own size and mtime; locks, ACLs and umask would be ours to keep; the other flags turn on requests nobody answers.
TEST_F(Init, NeverAsksForWhatItDoesNotDo) {
    const auto flags = flags_of(connect().init(FUSE_KERNEL_MINOR_VERSION, all_flags).out);
    for (const auto unwanted : {std::uint64_t{FUSE_WRITEBACK_CACHE}, std::uint64_t{FUSE_SPLICE_READ}, std::uint64_t{FUSE_SPLICE_WRITE},
                                std::uint64_t{FUSE_SPLICE_MOVE}, std::uint64_t{FUSE_POSIX_LOCKS}, std::uint64_t{FUSE_FLOCK_LOCKS},
                                std::uint64_t{FUSE_POSIX_ACL}, std::uint64_t{FUSE_DONT_MASK}, std::uint64_t{FUSE_CACHE_SYMLINKS},
                                std::uint64_t{FUSE_EXPLICIT_INVAL_DATA}, std::uint64_t{FUSE_SUBMOUNTS}, std::uint64_t{FUSE_SETXATTR_EXT},
                                std::uint64_t{FUSE_SECURITY_CTX}, std::uint64_t{FUSE_HAS_INODE_DAX}})
        EXPECT_EQ(flags & unwanted, 0U) << std::hex << unwanted;
}

// "." and ".." are not answered, and node numbers begin anew with every mount: handles for NFS would lead astray.
TEST_F(Init, DoesNotOfferExport) {
    const auto flags = flags_of(connect().init(FUSE_KERNEL_MINOR_VERSION, all_flags).out);
    EXPECT_EQ(flags & FUSE_EXPORT_SUPPORT, 0U);
}

TEST_F(Init, TakesOnlyWhatIsOffered) {
    for (const std::uint64_t offered : {std::uint64_t{0}, std::uint64_t{FUSE_ASYNC_READ}, std::uint64_t{FUSE_WRITEBACK_CACHE},
                                        std::uint64_t{FUSE_INIT_EXT}, std::uint64_t{FUSE_INIT_EXT | FUSE_ATOMIC_O_TRUNC}}) {
        const auto answer = connect().init(FUSE_KERNEL_MINOR_VERSION, offered);
        ASSERT_EQ(answer.error, 0);
        constexpr std::uint64_t always = FUSE_BIG_WRITES;  // libfuse sets it unasked; every kernel since 2.6.26 has it
        EXPECT_EQ(flags_of(answer.out) & ~(offered | always), 0U) << std::hex << offered;
        end_session();
    }
}

TEST_F(Init, FlagsBeyondTheFirstWordCountOnlyWithInitExt) {
    fuse_init_in wanted{};
    wanted.major = FUSE_KERNEL_VERSION;
    wanted.minor = FUSE_KERNEL_MINOR_VERSION;
    wanted.flags = static_cast<std::uint32_t>(all_flags) & ~static_cast<std::uint32_t>(FUSE_INIT_EXT);
    wanted.flags2 = 0xffffffff;
    const auto answer = connect().init(wanted);
    ASSERT_EQ(answer.error, 0);
    EXPECT_EQ(answer.out.flags2, 0U);
    EXPECT_EQ(answer.out.flags & FUSE_INIT_EXT, 0U);
    EXPECT_EQ(wire().getattr(root_node).error, 0);
}

TEST_F(Init, OldProtocolsGetTheirShorterAnswers) {
    struct Case {
        std::uint32_t minor;
        std::size_t answer;
        std::size_t entry;
    };
    for (const auto& [minor, answer, entry] :
         {Case{4, FUSE_COMPAT_INIT_OUT_SIZE, FUSE_COMPAT_ENTRY_OUT_SIZE}, Case{8, FUSE_COMPAT_22_INIT_OUT_SIZE, FUSE_COMPAT_ENTRY_OUT_SIZE},
          Case{22, FUSE_COMPAT_22_INIT_OUT_SIZE, sizeof(fuse_entry_out)}, Case{23, sizeof(fuse_init_out), sizeof(fuse_entry_out)}}) {
        fuse_init_in wanted{};
        wanted.major = FUSE_KERNEL_VERSION;
        wanted.minor = minor;
        const auto got = connect().call(FUSE_INIT, 0, raw(wanted));
        EXPECT_EQ(got.error, 0);
        EXPECT_EQ(got.body.size(), answer) << minor;
        EXPECT_EQ(wire().call(FUSE_LOOKUP, root_node, name_of("pools")).body.size(), entry) << minor;
        end_session();
    }
}

TEST_F(Init, AnotherMajorVersion) {
    fuse_init_in wanted{};
    wanted.major = 6;
    EXPECT_EQ(connect().init(wanted).error, EPROTO);
    end_session();

    wanted.major = 8;
    auto& later = connect();
    const auto answer = later.init(wanted);
    ASSERT_EQ(answer.error, 0);
    EXPECT_EQ(answer.out.major, 7U);  // the kernel then says INIT once more, with that
    EXPECT_EQ(later.init(FUSE_KERNEL_MINOR_VERSION, all_flags).error, 0);
    EXPECT_EQ(later.getattr(root_node).error, 0);
}

TEST_F(Init, IsTheFirstRequestAndComesOnce) {
    auto& fresh = connect();
    EXPECT_EQ(fresh.getattr(root_node).error, EIO);
    EXPECT_EQ(fresh.lookup(root_node, "pools").error, EIO);
    EXPECT_EQ(fresh.init(FUSE_KERNEL_MINOR_VERSION, all_flags).error, 0);
    EXPECT_EQ(fresh.init(FUSE_KERNEL_MINOR_VERSION, all_flags).error, EIO);
    EXPECT_EQ(fresh.getattr(root_node).error, 0);
}

// Without epochs nothing could take a name back without a lock that a request may hold.
TEST_F(Init, NamesAreCachedOnlyWithEpochs) {
    (void)work();
    for (const std::uint32_t minor : {minor_with_epochs - 1, minor_with_epochs}) {
        begin(minor);
        const auto file = wire().lookup(work_directory(), "root.img");
        ASSERT_EQ(file.error, 0);
        EXPECT_EQ(file.out.entry_valid > 0, minor >= minor_with_epochs) << minor;
        EXPECT_GT(file.out.attr_valid, 0U);
        end_session();
    }
}

}  // namespace
}  // namespace varve::fuse_test
