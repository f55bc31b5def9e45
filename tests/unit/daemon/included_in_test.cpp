// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/daemon/included_in.h"
#include "fs/daemon/path_below.h"

#include <gtest/gtest.h>

namespace varve::daemon {
namespace {

std::string pool_of(const char* file) {
    const auto pool = pool_of_path(file, "/varve");
    return pool ? pool->str() : "";
}

TEST(PoolOfPath, IsTheOneThatThePathNames) {
    EXPECT_EQ(pool_of("/varve/pools/fast/work/root.img"), "fast");
    EXPECT_EQ(pool_of("/varve/pools/fast/work/root.img@golden"), "fast");
    EXPECT_EQ(pool_of("/varve/pools/fast"), "fast");
}

TEST(PoolOfPath, IsNoneElsewhere) {
    for (const auto* file : {"/varve/pools", "/varve", "/varve/vms/work/root.img", "/varves/pools/fast/x", "/srv/pools/fast/x",
                             "pools/fast/x", "/varve/../pools/fast/x", "/varve/pools/Not a name/x", ""})
        EXPECT_EQ(pool_of(file), "") << file;
}

TEST(PathBelow, ComparesWholeNames) {
    EXPECT_EQ(path_below("/a/b/c", "/a"), "b/c");
    EXPECT_EQ(path_below("/a/b", "/a/"), "b");
    EXPECT_FALSE(path_below("/a", "/a"));
    EXPECT_FALSE(path_below("/ab", "/a"));
    EXPECT_FALSE(path_below("/a/../b", "/a"));
    EXPECT_FALSE(path_below("b", "/a"));
}

}  // namespace
}  // namespace varve::daemon
