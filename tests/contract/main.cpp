// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/loop_filesystem.h"

#include <gtest/gtest.h>

#include <iostream>

// A mount table of its own: whatever becomes of this process, nothing stays mounted.
int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (const auto entered = varve::test_support::enter_private_mounts(); !entered)
        std::cerr << entered.error().message() << "; only drivers without a file system of their own can be tested\n";
    return RUN_ALL_TESTS();
}
