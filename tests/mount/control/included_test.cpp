// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool on a volume of another pool.
#include "tests/mount/posix/one_volume.h"
#include "tests/support/run_program.h"

#include <filesystem>

namespace varve::test_support {
namespace {

class IncludedTest : public OneVolumeTest {
protected:
    static void must_run(std::vector<std::string> arguments) {
        const auto done = run_program(std::move(arguments));
        ASSERT_TRUE(done) << done.error().message();
        ASSERT_TRUE(done->succeeded()) << done->describe();
    }
    [[nodiscard]] Reply root_command(const std::string& text) const { return send_command(mount() / ".varve" / "ctl", text); }
    [[nodiscard]] std::string included_in(const std::string& name) const { return control_value(pool(name) / ".varve" / "included_in"); }
};

// As a VM that runs a Varve of its own would: a file system on a started volume's device.
TEST_F(IncludedTest, APoolOnAVolumeOfAnotherPoolSaysSo) {
    EXPECT_EQ(included_in("fast"), "");
    ASSERT_EQ(send_command(vm_path() / ".varve" / "ctl", "create inner origin 32M").error, ok);
    must("inner", "start");
    const auto device = link_target_of(control("inner", "device"));
    ASSERT_NO_FATAL_FAILURE(must_run({"mkfs.ext4", "-q", "-F", device}));
    const auto mounted = stage().directory() / ("mounted-" + vm());
    ASSERT_TRUE(std::filesystem::create_directory(mounted));
    ASSERT_NO_FATAL_FAILURE(must_run({"mount", "-o", "loop", device, mounted}));

    const auto added = root_command("pool-add inner file-reflink setup_check=false dir_path=" + mounted.string());
    EXPECT_EQ(added.error, ok) << added.text;
    EXPECT_EQ(included_in("inner"), "fast");
    EXPECT_EQ(included_in("fast"), "") << "and not the other way round";
    EXPECT_EQ(root_command("pool-rm inner").error, ok);

    // Nothing holds the file system of a pool that was taken away, once the kernel has released what was read there.
    EXPECT_TRUE(eventually([&] {
        const auto done = run_program({"umount", mounted});
        return done && done->succeeded();
    }));
    EXPECT_TRUE(eventually([&] { return command("inner", "discard").error == ok; })) << "the loop device goes with the mount";
    std::filesystem::remove(mounted);
}

}  // namespace
}  // namespace varve::test_support
