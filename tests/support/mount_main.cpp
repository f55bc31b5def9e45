// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/mount_fixture.h"

int main(int argc, char** argv) { return varve::test_support::run_mount_tests(argc, argv); }
