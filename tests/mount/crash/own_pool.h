// SPDX-License-Identifier: LGPL-2.1-or-later
// A daemon and a small XFS of its own, whose disk the test may spoil: one volume in two states.
#pragma once

#include "tests/mount/crash/load.h"

#include <memory>

namespace varve::test_support {

class OwnPoolTest : public MountTest {
protected:
    void SetUp() override;
    void TearDown() override;

    void expect_untouched() const;

    std::unique_ptr<LoopFileSystem> small_;
    std::unique_ptr<VarveDaemon> own_;
    Path place_;  // the VM's directory
};

}  // namespace varve::test_support
