// SPDX-License-Identifier: LGPL-2.1-or-later
// A real file system of one's own on a loop device, for as long as the object lives.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "drivers/base/units.h"

#include <filesystem>
#include <utility>

namespace varve::test_support {

enum class FileSystemType {
    Xfs,    // with reflinks
    Btrfs,  // with reflinks
    Ext4,   // without
};

// Needs root and loop devices. The image is sparse and has no name once it is mounted, and the loop device goes with the mount: a
// process that dies before the destructor leaves the mount alone (nothing at all after enter_private_mounts).
class LoopFileSystem {
public:
    // `size`: XFS needs 300 MiB or more, Btrfs 109 MiB.
    [[nodiscard]] static base::Result<LoopFileSystem> make(FileSystemType type, base::Bytes size);
    // Unmounts, detaches and removes; a file system that is still in use is detached from the tree and goes with its last user.
    ~LoopFileSystem();

    LoopFileSystem(LoopFileSystem&& other) noexcept : directory_(std::exchange(other.directory_, {})), device_(std::move(other.device_)) {}
    LoopFileSystem& operator=(LoopFileSystem&&) = delete;
    LoopFileSystem(const LoopFileSystem&) = delete;
    LoopFileSystem& operator=(const LoopFileSystem&) = delete;

    // The mounted top directory, writable by root.
    [[nodiscard]] const std::filesystem::path& path() const { return directory_; }

    // XFS only. As when the power fails: from now on every operation is EIO, and what was not made durable is gone.
    [[nodiscard]] base::Result<> cut_power();
    // After cut_power(), once nobody uses it any more: mounts it again, which replays its log.
    [[nodiscard]] base::Result<> mount_again();

private:
    explicit LoopFileSystem(std::filesystem::path directory) : directory_(std::move(directory)) {}
    std::filesystem::path directory_;
    base::UniqueFd device_;  // the loop device, held from cut_power() to mount_again()
};

// Gives this process (call it before starting threads) and its children a mount table of their own: what they mount goes with the
// last of them, however it ends.
[[nodiscard]] base::Result<> enter_private_mounts();

}  // namespace varve::test_support
