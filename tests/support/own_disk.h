// SPDX-License-Identifier: LGPL-2.1-or-later
// A daemon with a pool `small` on a small XFS of its own, whose disk a test may fill or spoil.
#pragma once

#include "tests/support/mount_fixture.h"

#include <cstdint>
#include <string>

namespace varve::test_support {

class OwnDisk {
public:
    // Fails the test when it cannot be made. `name` is the test's own.
    OwnDisk(Stage& stage, const std::string& name);
    // Ends the daemon, which must end well.
    ~OwnDisk();
    OwnDisk(const OwnDisk&) = delete;
    OwnDisk& operator=(const OwnDisk&) = delete;

    [[nodiscard]] LoopFileSystem& filesystem() { return filesystem_; }
    [[nodiscard]] VarveDaemon& daemon() { return daemon_; }
    // The directory of its VM `work`.
    [[nodiscard]] Path vm_path() const { return daemon_.mountpoint() / "pools" / "small" / "work"; }

    // Leaves at most `left` bytes free.
    void fill(std::uint64_t left) const;
    void empty() const;

private:
    [[nodiscard]] Path filler() const { return filesystem_.path() / "filler"; }

    LoopFileSystem filesystem_;
    VarveDaemon daemon_;
};

}  // namespace varve::test_support
