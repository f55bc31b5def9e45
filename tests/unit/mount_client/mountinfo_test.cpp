// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/mountinfo.h"

#include <gtest/gtest.h>

namespace varve::mount_client {
namespace {

using Points = std::vector<std::string>;

constexpr std::string_view others =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 22 0:40 / /mnt rw - fuse.sshfs host: rw\n";

TEST(MountInfo, FindsTheMountAmongOthers) {
    const auto text = std::string(others) + "36 22 0:51 / /varve rw,nosuid,nodev shared:7 master:2 - fuse.varve varve rw,user_id=0\n";
    EXPECT_EQ(varve_mounts(text), (Points{"/varve"}));
    EXPECT_EQ(the_varve_mount(text).value(), "/varve");
}

TEST(MountInfo, DecodesOctalEscapes) {
    EXPECT_EQ(varve_mounts(R"(36 22 0:51 / /a\040b\011c\012d\134e\043 rw - fuse.varve v rw)"), (Points{"/a b\tc\nd\\e#"}));
    EXPECT_EQ(varve_mounts(R"(36 22 0:51 / /a\04 rw - fuse.varve v rw)"), (Points{R"(/a\04)"}));
    EXPECT_EQ(varve_mounts(R"(36 22 0:51 / /a\049\ rw - fuse.varve v rw)"), (Points{R"(/a\049\)"}));
}

TEST(MountInfo, BindMountsAreTheSameFileSystem) {
    EXPECT_EQ(varve_mounts("36 22 0:51 / /varve rw - fuse.varve v rw\n37 22 0:51 / /again rw - fuse.varve v rw\n"
                           "38 22 0:51 /pools/p /part rw - fuse.varve v rw\n"),
              (Points{"/varve"}));
}

TEST(MountInfo, NoneAndSeveralAreErrorsWithAdvice) {
    const auto none = the_varve_mount(others);
    EXPECT_EQ(none.error().code, base::Errc::NotFound);
    EXPECT_NE(none.error().context.find("varvefs --config"), std::string::npos);
    const auto several = the_varve_mount("36 22 0:51 / /one rw - fuse.varve v rw\n37 22 0:52 / /two rw - fuse.varve v rw\n");
    EXPECT_EQ(several.error().code, base::Errc::InvalidArgument);
    EXPECT_NE(several.error().context.find("/one, /two"), std::string::npos);
}

TEST(MountInfo, SkipsBrokenLines) {
    for (const std::string_view text : {"", "\n\n", "36 22 0:51 /", "36 22 0:51 / /varve rw -", "- fuse.varve", "a b c d - fuse.varve v rw",
                                        "36 22 0:51 / /x rw fuse.varve v rw"})
        EXPECT_EQ(varve_mounts(text), Points{}) << text;
}

}  // namespace
}  // namespace varve::mount_client
