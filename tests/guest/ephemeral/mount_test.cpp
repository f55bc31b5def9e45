// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole daemon: an ephemeral volume through the control tree.
#include "tests/support/mount_fixture.h"
#include "tests/support/run_program.h"

#include <fcntl.h>

#include <cerrno>

namespace varve::test_support {
namespace {

class EphemeralMountTest : public MountTest {
protected:
    void SetUp() override {
        MountTest::SetUp();
        const auto made = vm_command("create volatile volatile 16M");
        ASSERT_EQ(made.error, ok) << made.text;
        ASSERT_EQ(set_value(control("volatile", "ephemeral"), "1"), ok);
    }
    void TearDown() override {
        if (value("volatile", "state") == "started") must("volatile", "stop");
        MountTest::TearDown();
    }
    [[nodiscard]] Path image() const { return backing(vm()) / "volatile-dirty.img"; }
    [[nodiscard]] Path device() const { return link_target_of(control("volatile", "device")); }
};

TEST_F(EphemeralMountTest, IsMadeStartedAndStopped) {
    EXPECT_EQ(value("volatile", "ephemeral"), "1");
    const auto started = command("volatile", "start");
    ASSERT_EQ(started.error, ok) << started.text;
    EXPECT_EQ(started.at("/result/device"), device().string());
    EXPECT_TRUE(device().string().starts_with("/dev/mapper/varve-")) << device();
    EXPECT_TRUE(S_ISBLK(std::filesystem::exists(device()) ? [&] {
        struct stat status {};
        (void)::stat(device().c_str(), &status);
        return status.st_mode;
    }()
                                                          : 0));
    EXPECT_EQ(value("volatile", "state"), "started");
    EXPECT_REFUSED(EBUSY, set_value(control("volatile", "ephemeral"), "0"));
    guest_write("volatile", 1 << 20, pattern('P', 65536));
    EXPECT_EQ(OpenFile(device(), O_RDONLY).read_at(1 << 20, 65536), pattern('P', 65536));
    EXPECT_EQ(read_file(image()).find(pattern('P', 65536).substr(0, 64)), std::string::npos);
    const auto old_device = device();
    must("volatile", "stop");
    EXPECT_FALSE(present(control("volatile", "device")));
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(old_device)));
    EXPECT_FALSE(present(image()));
    EXPECT_EQ(value("volatile", "state"), "halted");
}

TEST_F(EphemeralMountTest, OutlivesAKilledDaemon) {
    must("volatile", "start");
    const auto before = device();
    const OpenFile vm_disk(before, O_RDWR);
    ASSERT_EQ(vm_disk.opened(), ok);
    daemon().kill();
    EXPECT_TRUE(std::filesystem::exists(before));
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(value("volatile", "state"), "started");
    EXPECT_EQ(device(), before);
    EXPECT_EQ(command("volatile", "stop").error, Errno{EBUSY}) << "its VM has it open";
    must("volatile", "resize 32M");
    EXPECT_EQ(value("volatile", "size"), std::to_string(32 << 20));
}

TEST_F(EphemeralMountTest, IsShownByVarveInfo) {
    const auto shown = run_program({VARVE_BINARY, "--mount", mount().string(), "info", "fast/" + vm() + "/volatile"});
    ASSERT_TRUE(shown) << shown.error().message();
    EXPECT_TRUE(shown->succeeded()) << shown->describe();
    const auto line = shown->output.find("Ephemeral");
    ASSERT_NE(line, std::string::npos) << shown->output;
    EXPECT_NE(shown->output.substr(line, shown->output.find('\n', line) - line).find("yes"), std::string::npos) << shown->output;
}

TEST_F(EphemeralMountTest, NoLogLineHoldsAKey) {
    must("volatile", "start");
    must("volatile", "resize 32M");
    must("volatile", "stop");
    const auto log = daemon().log_tail();
    EXPECT_NE(log.find("encrypted varve-"), std::string::npos) << log;
    std::size_t run = 0;  // of hexadecimal digits: a key has 128 of them, a pool's identity 16
    std::size_t longest = 0;
    for (const char c : log) {
        run = std::string_view("0123456789abcdef").find(c) == std::string_view::npos ? 0 : run + 1;
        longest = std::max(longest, run);
    }
    EXPECT_LE(longest, 16U) << log;
}

}  // namespace
}  // namespace varve::test_support
