// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool of kernels, in the mount.
#include "tests/support/mount_fixture.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace varve::test_support {
namespace {

using Names = std::vector<std::string>;

class KernelsTest : public MountTest {
protected:
    void SetUp() override {
        MountTest::SetUp();
        if (HasFatalFailure()) return;
        directory_ = stage().directory() / ("kernels-" + vm());
        add_kernel("6.6.42-1+fc37");
        const auto added = root_command("pool-add kernels linux-kernel dir_path=" + directory_.string());
        ASSERT_EQ(added.error, ok) << added.text;
    }
    void TearDown() override {
        (void)root_command("pool-rm kernels");
        std::filesystem::remove_all(directory_);
        MountTest::TearDown();
    }

    void add_kernel(const std::string& version) const {
        std::filesystem::create_directories(directory_ / version);
        std::ofstream(directory_ / version / "vmlinuz") << "the kernel";
        std::ofstream(directory_ / version / "initramfs") << "the first files";
        std::ofstream(directory_ / version / "modules.img") << std::string(4096, 'm');
    }
    [[nodiscard]] Reply root_command(const std::string& text) const { return send_command(mount() / ".varve" / "ctl", text); }
    [[nodiscard]] Path kernel(const std::string& version = "6.6.42-1+fc37") const { return pool("kernels") / version; }
    [[nodiscard]] std::string about(const std::string& volume, const std::string& file) const {
        return control_value(kernel() / ".varve" / volume / file);
    }

    Path directory_;
};

TEST_F(KernelsTest, TheyAreShownUnderTheirVersions) {
    EXPECT_EQ(list_directory(pool("kernels")), Names{"6.6.42-1+fc37"});
    EXPECT_EQ(list_directory(kernel()), (Names{"initramfs", "modules.img", "vmlinuz"}));
    EXPECT_EQ(read_file(kernel() / "vmlinuz"), "the kernel");
    EXPECT_EQ(read_file(kernel() / "initramfs"), "the first files");
    EXPECT_EQ(read_file(kernel() / "modules.img"), std::string(4096, 'm'));
    EXPECT_EQ(stat_of(kernel() / "vmlinuz").st_size, 10);
    EXPECT_EQ(stat_of(kernel() / "vmlinuz").st_mode, S_IFREG | 0444U);
    EXPECT_EQ(link_target_of(kernel() / ".varve" / "modules" / "device"), (directory_ / "6.6.42-1+fc37" / "modules.img").string());
    EXPECT_FALSE(present(kernel() / ".varve" / "vmlinuz" / "device"));
    EXPECT_EQ(about("modules", "state"), "halted");
    EXPECT_EQ(about("modules", "rw"), "0");
    EXPECT_EQ(about("modules", "blockers"), "");
    EXPECT_FALSE(present(kernel() / "vmlinuz.img"));
    EXPECT_FALSE(present(kernel() / "modules"));
    EXPECT_EQ(read_file(kernel() / "modules.img@current"), std::string(4096, 'm'));
    EXPECT_FALSE(present(kernel() / "vmlinuz.img@current"));
    EXPECT_FALSE(present(mount() / "vms" / "6.6.42-1+fc37")) << "a kernel is no VM";
}

TEST_F(KernelsTest, NothingCanBeChanged) {
    const Errno unsupported{EOPNOTSUPP};
    EXPECT_EQ(make_directory(pool("kernels") / "work"), unsupported);
    EXPECT_EQ(make_directory(pool("kernels") / "6.9"), Errno{EINVAL});
    EXPECT_EQ(remove_directory(kernel()), Errno{ENOTEMPTY});
    EXPECT_EQ(rename_path(kernel(), pool("kernels") / "work"), Errno{EINVAL});
    EXPECT_EQ(open_and_close(kernel() / "vmlinuz", O_WRONLY), unsupported);
    EXPECT_EQ(open_and_close(kernel() / "modules.img", O_RDWR), unsupported);
    EXPECT_EQ(touch_new(kernel() / "data.img"), unsupported);
    EXPECT_EQ(touch_new(kernel() / ".scratch"), unsupported);
    EXPECT_EQ(touch_new(kernel() / "config"), Errno{EINVAL});
    EXPECT_EQ(remove_file(kernel() / "modules.img"), unsupported);
    EXPECT_NE(remove_file(kernel() / "vmlinuz"), ok);
    EXPECT_NE(rename_path(kernel() / "vmlinuz", kernel() / "other.img"), ok);
    EXPECT_NE(link_file(kernel() / "modules.img", kernel() / "modules.img@kept"), ok);
    EXPECT_NE(truncate_path(kernel() / "modules.img", 8192), ok);
    const auto started = send_command(kernel() / ".varve" / "modules" / "ctl", "start");
    EXPECT_EQ(started.error, unsupported);
    EXPECT_NE(started.at("/error/message").find("needs no start"), std::string::npos) << started.text;
    EXPECT_EQ(send_command(kernel() / ".varve" / "ctl", "start").error, unsupported);
    EXPECT_EQ(list_directory(directory_ / "6.6.42-1+fc37"), (Names{"initramfs", "modules.img", "vmlinuz"}));
    EXPECT_EQ(list_directory(directory_), Names{"6.6.42-1+fc37"});
}

TEST_F(KernelsTest, ReloadShowsWhatHasCome) {
    OpenFile old(kernel() / "vmlinuz", O_RDONLY);
    ASSERT_EQ(old.opened(), ok);
    add_kernel("6.9");
    std::filesystem::remove_all(directory_ / "6.6.42-1+fc37");
    ASSERT_EQ(root_command("reload").error, ok);
    EXPECT_EQ(list_directory(pool("kernels")), Names{"6.9"});
    EXPECT_EQ(read_file(kernel("6.9") / "vmlinuz"), "the kernel");
    EXPECT_EQ(old.read_at(0, 10), "the kernel");
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(list_directory(pool("kernels")), Names{"6.9"});
}

TEST_F(KernelsTest, ABrokenOneSaysWhy) {
    std::filesystem::remove(directory_ / "6.6.42-1+fc37" / "initramfs");
    ASSERT_EQ(root_command("reload").error, ok);
    EXPECT_EQ(list_directory(kernel()), (Names{"modules.img", "vmlinuz"}));
    EXPECT_EQ(about("initramfs", "state"), "degraded");
    EXPECT_NE(about("initramfs", "blockers").find("there is no initramfs"), std::string::npos);
    const auto verified = send_command(kernel() / ".varve" / "ctl", "verify");
    EXPECT_NE(verified.text.find("there is no initramfs"), std::string::npos) << verified.text;
}

}  // namespace
}  // namespace varve::test_support
