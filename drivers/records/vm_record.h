// SPDX-License-Identifier: LGPL-2.1-or-later
// What a pool remembers about one VM: `.varve.json` (docs/on-disk-formats.md).
#pragma once

#include "drivers/api/view.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace varve::records {

struct VmRecord {
    std::optional<api::Ownership> ownership;  // absent: the directory's own
    std::optional<base::Timestamp> created;   // absent: the directory's time
    std::map<base::VolumeName, api::VolumeConfig> volumes;

    friend bool operator==(const VmRecord&, const VmRecord&) = default;
};

// Larger records are refused, unread.
inline constexpr base::Bytes largest_record{std::uint64_t{1} << 20};

// The text of a record; parse_record() of it gives the record back.
[[nodiscard]] std::string format_record(const VmRecord& record);

// Strict: Corrupt, naming the place, for anything that format_record() of this version could not have written but for white space and order.
[[nodiscard]] base::Result<VmRecord> parse_record(std::string_view text);

}  // namespace varve::records
