// SPDX-License-Identifier: LGPL-2.1-or-later
// Who moves the bytes: the kernel, where passthrough is on, or varvefs. What they are is the same.
#include "tests/mount/data/data_test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include <cstdio>
#include <fstream>

namespace varve::test_support {
namespace {

bool kernel_has_passthrough() {
    struct utsname name {};
    int major = 0;
    int minor = 0;
    if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;  // NOLINT(cert-err34-c)
    return major > 6 || (major == 6 && minor >= 9);
}

class PassthroughTest : public DataTest {
protected:
    [[nodiscard]] static bool expected() { return stage().passthrough() && kernel_has_passthrough(); }
    // Much less than the image passed through varvefs, or all of it.
    static void expect_moved(std::uint64_t before, std::uint64_t after) {
        if (expected())
            EXPECT_LT(after - before, image_size / 8);
        else
            EXPECT_GE(after - before, image_size);
    }
};

TEST_F(PassthroughTest, TheVersionSaysWhetherItIsOn) {
    const auto version = control_value(mount() / ".varve" / "version");
    const auto line = version.substr(version.find('\n') + 1);
    if (expected())
        EXPECT_EQ(line, "passthrough on");
    else if (!stage().passthrough())
        EXPECT_EQ(line, "passthrough off: the configuration says so");
    else
        EXPECT_EQ(line.find("passthrough off: the kernel does not offer it"), 0U) << line;
}

TEST_F(PassthroughTest, TheKernelReadsAVolumeItself) {
    drop_caches();
    const auto before = daemon_bytes("rchar");
    EXPECT_EQ(read_file(image()), content_);
    expect_moved(before, daemon_bytes("rchar"));
}

TEST_F(PassthroughTest, TheKernelReadsARevisionItself) {
    ASSERT_EQ(write_file(image(), pattern('n', 4096)), ok);
    drop_caches();
    const auto before = daemon_bytes("rchar");
    EXPECT_EQ(read_file(revision("image", first_time)), content_);
    expect_moved(before, daemon_bytes("rchar"));
}

TEST_F(PassthroughTest, TheKernelWritesAScratchFileItself) {
    const auto before = daemon_bytes("wchar");
    ASSERT_EQ(write_file(at(".copy"), content_), ok);
    expect_moved(before, daemon_bytes("wchar"));
    EXPECT_EQ(stat_of(at(".copy")).st_size, static_cast<off_t>(image_size));
    ASSERT_EQ(rename_path(at(".copy"), image()), ok);
    EXPECT_EQ(read_file(image()), content_);
    EXPECT_EQ(read_file(revision("image", first_time)), content_);
}

// A write that fails must be known of, so that nothing of the transaction is committed.
TEST_F(PassthroughTest, VarvefsWritesATransaction) {
    const auto before = daemon_bytes("wchar");
    ASSERT_EQ(write_file(image(), content_), ok);
    EXPECT_GE(daemon_bytes("wchar") - before, image_size);
}

TEST_F(PassthroughTest, AnOpenFileKeepsItsStateOverACommit) {
    const OpenFile old(image(), O_RDONLY);
    ASSERT_EQ(old.read_at(0, 4096), content_.substr(0, 4096));
    const auto newer = pattern('n', image_size);
    ASSERT_EQ(write_file(image(), newer), ok);
    EXPECT_EQ(old.read_at(0, image_size), content_);
    EXPECT_EQ(read_file(image()), newer);
    const OpenFile again(revision("image", first_time), O_RDONLY);
    EXPECT_EQ(again.read_at(image_size - 10, 100), content_.substr(image_size - 10));
}

// The kernel's inode of a scratch file becomes the state's: readers who joined before and after share it.
TEST_F(PassthroughTest, AReaderOfAScratchFileStaysWhenItBecomesAState) {
    ASSERT_EQ(write_file(at(".new"), pattern('s', image_size)), ok);
    const OpenFile reader(at(".new"), O_RDONLY);
    ASSERT_EQ(reader.opened(), ok);
    ASSERT_EQ(rename_path(at(".new"), image()), ok);
    EXPECT_EQ(reader.read_at(0, image_size), pattern('s', image_size));
    EXPECT_EQ(read_file(image()), pattern('s', image_size));
    const OpenFile direct(image(), O_RDONLY | O_DIRECT);
    EXPECT_EQ(direct.opened(), ok);
}

TEST_F(PassthroughTest, AMappedStateIsRead) {
    const OpenFile file(image(), O_RDONLY);
    ASSERT_EQ(file.opened(), ok);
    for (const int sharing : {MAP_PRIVATE, MAP_SHARED}) {
        void* const mapped = ::mmap(nullptr, image_size, PROT_READ, sharing, file.fd(), 0);
        ASSERT_NE(mapped, MAP_FAILED);
        EXPECT_EQ(std::string_view(static_cast<const char*>(mapped), image_size), content_);
        EXPECT_EQ(::munmap(mapped, image_size), 0);
    }
}

TEST_F(PassthroughTest, TheKernelReadsAMebibyteAhead) {
    const auto device = stat_of(mount()).st_dev;
    std::ifstream setting("/sys/class/bdi/" + std::to_string(major(device)) + ":" + std::to_string(minor(device)) + "/read_ahead_kb");
    int kibibytes = 0;
    ASSERT_TRUE(setting >> kibibytes);
    EXPECT_EQ(kibibytes, 1024);
}

}  // namespace
}  // namespace varve::test_support
