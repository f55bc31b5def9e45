// SPDX-License-Identifier: LGPL-2.1-or-later
// Looking at, and writing to, what a path hands to a hypervisor, as a port: the real one (posix_block_access.h), and one for tests
// (tests/fakes/fake_block_access.h).
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "drivers/base/units.h"
#include "drivers/kernel/device_number.h"

#include <filesystem>
#include <optional>

namespace varve::kernel {

struct OpenDevice {
    base::UniqueFd fd;
    std::optional<DeviceNumber> block;      // nullopt: a regular file
    base::Bytes sector{base::sector_size};  // the least that the device reads and writes
};

// Thread-safe.
class BlockAccess {
public:
    virtual ~BlockAccess() = default;
    BlockAccess() = default;
    BlockAccess(const BlockAccess&) = delete;
    BlockAccess& operator=(const BlockAccess&) = delete;

    // The block device or image at an absolute path, for reading and writing. A symbolic link may lead only to a block device, as udev makes
    // them: InvalidArgument for one that leads to a file, and for what is neither.
    [[nodiscard]] virtual base::Result<OpenDevice> open(const std::filesystem::path& path) const = 0;
    // Writes so many zeroes (whole sectors) to the beginning of a block device, past the page cache.
    [[nodiscard]] virtual base::Result<> zero_start(const std::filesystem::path& device, base::Bytes count) = 0;
};

}  // namespace varve::kernel
