// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/loop_filesystem.h"

#include <gtest/gtest.h>

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    return varve::test_support::enter_private_mounts() ? RUN_ALL_TESTS() : 1;
}
