// SPDX-License-Identifier: LGPL-2.1-or-later
// One volume in two states on a disk of its own.
#pragma once

#include "tests/mount/crash/load.h"
#include "tests/support/own_disk.h"

#include <memory>

namespace varve::test_support {

class OwnPoolTest : public MountTest {
protected:
    void SetUp() override;
    void TearDown() override;

    void expect_untouched() const;

    std::unique_ptr<OwnDisk> disk_;
    Path place_;  // the VM's directory
};

}  // namespace varve::test_support
