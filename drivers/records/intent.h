// SPDX-License-Identifier: LGPL-2.1-or-later
// What a pool is about to do where several renames and records must hold together: one durable file in the pool's top directory.
// While it is there, the next recovery goes forward: writing it is the point of no return.
#pragma once

#include "drivers/base/names.h"
#include "drivers/kernel/filesystem.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace varve::records {

inline constexpr std::string_view intent_name = ".varve-intent.json";

struct RenameVolume {
    base::VolumePath from;
    base::VolumePath to;
    std::vector<base::VolumePath> children;  // whose source is `from`, under the names they have when the intent is written
    friend bool operator==(const RenameVolume&, const RenameVolume&) = default;
};

struct RenameVm {
    base::VmName from;
    base::VmName to;
    std::vector<base::VolumePath> children;  // whose source lies in `from`
    friend bool operator==(const RenameVm&, const RenameVm&) = default;
};

using Intent = std::variant<RenameVolume, RenameVm>;

[[nodiscard]] std::string format_intent(const Intent& intent);
// Corrupt for anything that format_intent() could not have written.
[[nodiscard]] base::Result<Intent> parse_intent(std::string_view text);

// nullopt: nothing was under way.
[[nodiscard]] base::Result<std::optional<Intent>> read_intent(const kernel::FileSystem& files, int top);
[[nodiscard]] base::Result<> write_intent(kernel::FileSystem& files, int top, const Intent& intent, const std::string& temporary);
// Durably. Success when there is none.
[[nodiscard]] base::Result<> drop_intent(kernel::FileSystem& files, int top);

}  // namespace varve::records
