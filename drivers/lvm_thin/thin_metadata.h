// SPDX-License-Identifier: LGPL-2.1-or-later
// What a thin pool's metadata tells and the kernel does not: read by thin-provisioning-tools from a reserved copy, while the pool runs.
#pragma once

#include "drivers/base/extent.h"
#include "drivers/base/result.h"
#include "drivers/base/units.h"
#include "drivers/kernel/device_mapper.h"
#include "drivers/lvm_thin/reserved_metadata.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::lvm_thin {

// The pool has one reserved copy at a time, so calls wait for each other. A copy that somebody else has reserved is Busy. Thread-safe.
class ThinMetadata {
public:
    // `marks` is ReservedMetadata's. `mapper` outlives this.
    ThinMetadata(kernel::DeviceMapper& mapper, ThinPoolDevices devices, std::filesystem::path marks)
        : mapper_(mapper), devices_(std::move(devices)), marks_(std::move(marks)) {}

    // thin_ls
    [[nodiscard]] base::Result<base::Bytes> exclusive(kernel::ThinId id);
    [[nodiscard]] base::Result<std::map<kernel::ThinId, base::Bytes>> mapped();
    // thin_delta
    [[nodiscard]] base::Result<base::Extents> differing(kernel::ThinId a, kernel::ThinId b);

private:
    [[nodiscard]] base::Result<std::string> run(std::vector<std::string> arguments);

    kernel::DeviceMapper& mapper_;
    const ThinPoolDevices devices_;
    const std::filesystem::path marks_;
    std::mutex mutex_;  // over the reserved copy, while a program reads it
};

// Pure: what the programs print (thin-provisioning-tools 0.9).
[[nodiscard]] base::Result<std::map<kernel::ThinId, base::Bytes>> parse_thin_ls(std::string_view text);
[[nodiscard]] base::Result<base::Extents> parse_thin_delta(std::string_view text);

}  // namespace varve::lvm_thin
