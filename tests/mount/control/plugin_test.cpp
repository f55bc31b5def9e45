// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool of a driver in a shared object, added to a running mount.
#include "tests/support/mount_fixture.h"

#include <cerrno>

namespace varve::test_support {
namespace {

class PluginPoolTest : public MountTest {
protected:
    void TearDown() override {
        (void)root_command("pool-rm students");  // refused where a test did not get so far
        MountTest::TearDown();
    }
    [[nodiscard]] Reply root_command(const std::string& text) const { return send_command(mount() / ".varve" / "ctl", text); }
    [[nodiscard]] Path work() const { return pool("students") / "work"; }
};

TEST_F(PluginPoolTest, WorksAsAnyOther) {
    const auto added = root_command("pool-add students plugin:" LIMITED_DRIVER " driver_below=sim largest=1M");
    ASSERT_EQ(added.error, ok) << added.text;
    EXPECT_EQ(control_value(pool("students") / ".varve" / "driver"), "plugin:" LIMITED_DRIVER);
    ASSERT_EQ(make_directory(work()), ok);
    const auto volume = work() / "root.img";
    ASSERT_EQ(write_file(volume, std::string(512, 'a')), ok);
    ASSERT_EQ(write_file(volume, std::string(512, 'b')), ok);
    EXPECT_EQ(list_directory(work()).size(), 2U) << "the volume and a revision";
    ASSERT_EQ(send_command(work() / ".varve" / "root" / "ctl", "start").error, ok);
    ASSERT_EQ(send_command(work() / ".varve" / "root" / "ctl", "stop").error, ok);
    EXPECT_REFUSED(EFBIG, truncate_path(volume, 2 << 20));
    ASSERT_EQ(daemon().restart(), true) << "it is kept over a restart";
    EXPECT_EQ(control_value(pool("students") / ".varve" / "driver"), "plugin:" LIMITED_DRIVER);
}

TEST_F(PluginPoolTest, WhatIsNoDriverAddsNoPool) {
    EXPECT_REFUSED(EOPNOTSUPP, root_command("pool-add students plugin:/bin/true").error);
    EXPECT_REFUSED(ENOENT, root_command("pool-add students plugin:/nowhere.so").error);
    EXPECT_REFUSED(EINVAL, root_command("pool-add students plugin:limited.so").error);
}

}  // namespace
}  // namespace varve::test_support
