// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose close commits: several descriptors, inherited ones, mapped ones, and writers that are killed.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

namespace varve::test_support {
namespace {

class WritersTest : public OneVolumeTest {
protected:
    // A process that writes `bytes` of the new content and then ends by this signal, without closing.
    void write_and_be_killed(int signal, int flags, std::size_t bytes) const {
        Child writer([&] {
            OpenFile file(data(), flags);
            if (file.opened() != ok || file.write_at(0, std::string_view(new_content_).substr(0, bytes)) != ok) return 1;
            (void)::raise(signal);  // ends the process
            return 2;
        });
        EXPECT_EQ(writer.wait(), -signal);
    }
};

TEST_F(WritersTest, ADuplicatesCloseCommitsAndLaterWritesAmend) {
    OpenFile file(data(), O_RDWR);
    ASSERT_EQ(file.write_at(0, new_content_.substr(0, 4096)), ok);
    auto copy = file.duplicate();
    ASSERT_EQ(copy.close(), ok);
    EXPECT_EQ(bystander().read(data()), new_content_.substr(0, 4096) + old_content_.substr(4096)) << "a FLUSH with changes commits";
    ASSERT_EQ(file.write_at(4096, new_content_.substr(4096)), ok);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

TEST_F(WritersTest, ADuplicatesCloseBeforeAnyChangeCommitsNothing) {
    OpenFile file(data(), O_RDWR);
    auto copy = file.duplicate();
    ASSERT_EQ(copy.close(), ok);
    EXPECT_EQ(bystander().read(data()), old_content_);
    ASSERT_EQ(file.write_at(0, new_content_), ok);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

TEST_F(WritersTest, ManyAmendmentsMakeOneRevision) {
    OpenFile file(data(), O_RDWR);
    for (std::size_t at_byte = 0; at_byte < volume_size; at_byte += 8192) {
        ASSERT_EQ(file.write_at(static_cast<off_t>(at_byte), new_content_.substr(at_byte, 8192)), ok);
        auto copy = file.duplicate();
        ASSERT_EQ(copy.close(), ok);
    }
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

TEST_F(WritersTest, InheritedDescriptorsShareTheTransaction) {
    OpenFile file(data(), O_RDWR);
    ASSERT_EQ(file.write_at(0, new_content_.substr(0, 4096)), ok);
    Child child([&] { return file.write_at(4096, std::string_view(new_content_).substr(4096, 4096)) == ok ? 0 : 1; });
    ASSERT_EQ(child.wait(), 0);
    ASSERT_EQ(file.write_at(8192, new_content_.substr(8192)), ok);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

TEST_F(WritersTest, TheChildMayWriteAllOfIt) {
    OpenFile file(data(), O_WRONLY | O_TRUNC);
    Child child([&] { return file.write_at(0, new_content_) == ok ? 0 : 1; });
    ASSERT_EQ(child.wait(), 0);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

TEST_F(WritersTest, EndingWithoutCloseCommits) {
    Child child([&] {
        OpenFile file(data(), O_WRONLY | O_TRUNC);
        if (file.write_at(0, new_content_) != ok) return 1;
        ::_exit(0);
    });
    ASSERT_EQ(child.wait(), 0);
    expect_one_commit(new_content_);
}

TEST_F(WritersTest, EndingWithAFailureStatusCommitsToo) {
    Child child([&] {
        OpenFile file(data(), O_WRONLY | O_TRUNC);
        if (file.write_at(0, new_content_) != ok) return 1;
        ::_exit(3);
    });
    ASSERT_EQ(child.wait(), 3);
    expect_one_commit(new_content_);
}

// The kernel closes the file while it holds what /proc needs to tell of the process.
TEST_F(WritersTest, BecomingAnotherProgramCommits) {
    Child child([&] {
        OpenFile file(data(), O_WRONLY | O_TRUNC | O_CLOEXEC);
        if (file.write_at(0, new_content_) != ok) return 1;
        (void)::execl("/bin/true", "true", nullptr);  // returns only when it fails
        return 2;
    });
    ASSERT_EQ(child.wait(), 0);
    expect_one_commit(new_content_);
}

TEST_F(WritersTest, AWriterKilledOutrightIsDropped) {
    write_and_be_killed(SIGKILL, O_WRONLY, 4096);
    expect_nothing_committed();
    write_and_be_killed(SIGKILL, O_WRONLY | O_TRUNC, volume_size);
    expect_nothing_committed();
}

TEST_F(WritersTest, AWriterEndedByATerminationSignalIsDropped) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) {
        SCOPED_TRACE(signal);
        Child writer([&] {
            (void)::signal(signal, SIG_DFL);  // cannot fail for these
            OpenFile file(data(), O_WRONLY);
            if (file.opened() != ok || file.write_at(0, new_content_) != ok) return 1;
            (void)::raise(signal);  // ends the process
            return 2;
        });
        EXPECT_EQ(writer.wait(), -signal);
        expect_nothing_committed();
    }
}

TEST_F(WritersTest, AKilledCreatorLeavesNoVolume) {
    Child writer([&] {
        OpenFile file(at("new.img"), O_CREAT | O_WRONLY);
        if (file.opened() != ok || file.write_at(0, new_content_) != ok) return 1;
        (void)::raise(SIGKILL);  // ends the process
        return 2;
    });
    EXPECT_EQ(writer.wait(), -SIGKILL);
    EXPECT_TRUE(eventually([&] { return !present(at("new.img")); }));
    EXPECT_EQ(names(), Names{"data.img"});
}

volatile std::sig_atomic_t caught = 0;

TEST_F(WritersTest, AProgramThatCatchesTheSignalAndClosesHasClosed) {
    Child writer([&] {
        (void)::signal(SIGTERM, [](int) { caught = 1; });  // cannot fail for SIGTERM
        OpenFile file(data(), O_WRONLY | O_TRUNC);
        if (file.write_at(0, new_content_) != ok) return 1;
        (void)::raise(SIGTERM);
        return caught == 1 && file.close() == ok ? 0 : 2;
    });
    ASSERT_EQ(writer.wait(), 0);
    expect_one_commit(new_content_);
}

TEST_F(WritersTest, AKilledWriterIsRememberedWhenItsParentCloses) {
    OpenFile file(data(), O_WRONLY | O_TRUNC);
    Child writer([&] {
        if (file.write_at(0, std::string_view(new_content_).substr(0, 4096)) != ok) return 1;
        (void)::raise(SIGKILL);  // ends the process
        return 2;
    });
    ASSERT_EQ(writer.wait(), -SIGKILL);
    (void)file.close();  // what the parent is told about a transaction that was dropped before is not the point
    expect_nothing_committed();
}

TEST_F(WritersTest, AKilledProcessThatNeverWroteDoesNotCount) {
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, new_content_), ok);
    Child idle([&] {
        (void)::raise(SIGKILL);  // ends the process
        return 2;
    });
    ASSERT_EQ(idle.wait(), -SIGKILL);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

TEST_F(WritersTest, WhatWasMappedIsCommittedAtTheLastRelease) {
    OpenFile file(data(), O_RDWR);
    auto* const mapped = ::mmap(nullptr, volume_size, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), 0);
    ASSERT_NE(mapped, MAP_FAILED) << Errno{errno};
    ASSERT_EQ(file.close(), ok);
    EXPECT_EQ(std::memcmp(mapped, old_content_.data(), volume_size), 0);
    std::memcpy(mapped, new_content_.data(), volume_size);
    EXPECT_EQ(bystander().read(data()), old_content_);
    EXPECT_EQ(value("data", "state"), "writing");
    EXPECT_EQ(bystander().open_and_close(data(), O_WRONLY), Errno{EBUSY});
    ASSERT_EQ(::munmap(mapped, volume_size), 0);
    expect_one_commit(new_content_);
}

TEST_F(WritersTest, AMappingAmendsWhatItsDescriptorCommitted) {
    OpenFile file(data(), O_RDWR);
    auto* const mapped = ::mmap(nullptr, volume_size, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), 0);
    ASSERT_NE(mapped, MAP_FAILED) << Errno{errno};
    ASSERT_EQ(file.write_at(0, new_content_.substr(0, 4096)), ok);
    ASSERT_EQ(file.close(), ok);
    std::memcpy(static_cast<char*>(mapped) + 4096, new_content_.data() + 4096, volume_size - 4096);
    ASSERT_EQ(::munmap(mapped, volume_size), 0);
    expect_one_commit(new_content_);
}

TEST_F(WritersTest, StartWaitsForACloseThatIsUnderWay) {
    // RELEASE comes after close(2) has returned; a start right behind it is not refused for that.
    for (int round = 0; round < 20; ++round) {
        ASSERT_EQ(make_state(data(), pattern(static_cast<char>('c' + round), volume_size), first_time + 1 + round), ok);
        must("data", "start");
        must("data", "discard");
    }
}

TEST_F(WritersTest, ReadOnlyDescriptorsOfTheWriterDoNotMatter) {
    OpenFile reader(data(), O_RDONLY);
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, new_content_), ok);
    ASSERT_EQ(reader.close(), ok);
    EXPECT_EQ(bystander().read(data()), old_content_);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

}  // namespace
}  // namespace varve::test_support
