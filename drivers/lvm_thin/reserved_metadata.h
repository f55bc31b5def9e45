// SPDX-License-Identifier: LGPL-2.1-or-later
// A thin pool's metadata as it was at one moment, for a program that reads it while the pool runs: there is one such copy at a time, whoever made it.
#pragma once

#include "drivers/base/result.h"
#include "drivers/kernel/device_mapper.h"

#include <filesystem>

namespace varve::lvm_thin {

// The thin-pool device, and the one that its metadata is on.
struct ThinPoolDevices {
    kernel::DmName pool;
    kernel::DmName metadata;
};

// Given back when it is destroyed, whatever happens to the program that reads it. A kill -9 and a power cut leave it behind (the kernel keeps it in
// the metadata): the next one gives that back. One thread at a time.
class ReservedMetadata {
public:
    // `marks`: a directory that no two daemons of one pool share and that a boot empties. In it `metadata-copy` is there while a copy is reserved, so
    // that a killed daemon's is known, and `metadata-known` from the first one on: before that a copy that nobody reads is from before the boot, and
    // its maker is dead. Empty: no marks, and nothing but an own copy is ever given back. Busy: somebody else's.
    [[nodiscard]] static base::Result<ReservedMetadata> reserve(kernel::DeviceMapper& mapper, const ThinPoolDevices& devices,
                                                                const std::filesystem::path& marks);
    ~ReservedMetadata();
    ReservedMetadata(ReservedMetadata&& other) noexcept;
    ReservedMetadata& operator=(ReservedMetadata&&) = delete;
    ReservedMetadata(const ReservedMetadata&) = delete;
    ReservedMetadata& operator=(const ReservedMetadata&) = delete;

private:
    ReservedMetadata(kernel::DeviceMapper& mapper, kernel::DmName pool, std::filesystem::path mark);

    kernel::DeviceMapper* mapper_;  // null once moved from
    kernel::DmName pool_;
    std::filesystem::path mark_;  // empty: none
};

}  // namespace varve::lvm_thin
