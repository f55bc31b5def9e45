// SPDX-License-Identifier: LGPL-2.1-or-later
// `mount -t varve` and fstab, with the helper where mount(8) looks for it: in a mount table of the test's own.
#include "tests/support/run_program.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace varve::test_support {
namespace {

class MountHelperTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto name = (std::filesystem::temp_directory_path() / "varve-helper-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
        for (const char* folder : {"sbin", "varve", "state"}) std::filesystem::create_directory(directory_ / folder);
        std::filesystem::copy(VARVEFS_BINARY, directory_ / "sbin" / "varvefs");
        std::filesystem::copy(MOUNT_VARVE_BINARY, directory_ / "sbin" / "mount.varve");
        std::ofstream(config()) << "mountpoint = \"" << (directory_ / "varve").string() << "\"\nstate_dir = \""
                                << (directory_ / "state").string() << "\"\n\n[[pool]]\nname = \"memory\"\ndriver = \"sim\"\n";
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] std::filesystem::path config() const { return directory_ / "varve.toml"; }

    // In a mount table of its own, where /sbin has the helper and varvefs alone; what is mounted goes with it.
    [[nodiscard]] Finished in_own_mounts(const std::string& script) const {
        Program program;
        program.arguments = {"unshare",
                             "--mount",
                             "--propagation",
                             "private",
                             "bash",
                             "-euc",
                             "mount --bind \"$0/sbin\" \"$(readlink -f /sbin)\"; cd \"$0\"; " + script,
                             directory_.string()};
        const auto done = run_program(program);
        EXPECT_TRUE(done) << done.error().message();
        return done ? *done : Finished{};
    }

    std::filesystem::path directory_;
};

constexpr const char* look = "ls varve/pools; findmnt -n -o FSTYPE varve; umount varve";

TEST_F(MountHelperTest, MountsAndUnmounts) {
    const auto done = in_own_mounts(std::string("mount -t varve \"$0/varve.toml\" \"$0/varve\"; ") + look);
    EXPECT_TRUE(done.succeeded()) << done.describe();
    EXPECT_EQ(done.output, "memory\nfuse.varve\n");
}

TEST_F(MountHelperTest, MountsALineOfFstab) {
    const auto done =
        in_own_mounts(std::string("echo \"$0/varve.toml $0/varve varve defaults,nofail,x-systemd.mount-timeout=9 0 0\" > fstab; "
                                  "mount --fstab \"$0/fstab\" -a; ") +
                      look);
    EXPECT_TRUE(done.succeeded()) << done.describe();
    EXPECT_EQ(done.output, "memory\nfuse.varve\n");
}

TEST_F(MountHelperTest, SaysWhatItRuns) {
    const auto done = in_own_mounts("mount -v -t varve \"$0/varve.toml\" \"$0/varve\"; umount varve");
    EXPECT_TRUE(done.succeeded()) << done.describe();
    EXPECT_NE(done.output.find("varvefs --config " + config().string()), std::string::npos) << done.describe();
}

TEST_F(MountHelperTest, FakingOnlyChecks) {
    const auto done = in_own_mounts("mount.varve \"$0/varve.toml\" \"$0/varve\" -f; findmnt varve || echo none");
    EXPECT_TRUE(done.succeeded()) << done.describe();
    EXPECT_TRUE(done.output.ends_with("none\n")) << done.describe();
}

TEST_F(MountHelperTest, FailuresAreMountsOwnStatuses) {
    EXPECT_EQ(in_own_mounts("mount -t varve \"$0/missing.toml\" \"$0/varve\"").exit_status, 32);
    EXPECT_EQ(in_own_mounts("mount -t varve -o ro \"$0/varve.toml\" \"$0/varve\"").exit_status, 1);
    const auto unknown = in_own_mounts("mount -t varve -o nonsense \"$0/varve.toml\" \"$0/varve\"");
    EXPECT_EQ(unknown.exit_status, 1);
    EXPECT_NE(unknown.errors.find("nonsense"), std::string::npos) << unknown.describe();
    EXPECT_EQ(in_own_mounts("rm sbin/varvefs; mount -t varve \"$0/varve.toml\" \"$0/varve\"").exit_status, 2);
}

}  // namespace
}  // namespace varve::test_support
