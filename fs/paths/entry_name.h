// SPDX-License-Identifier: LGPL-2.1-or-later
// The names that can stand in a VM's directory, and what each means. Pure.
#pragma once

#include "drivers/api/view.h"
#include "drivers/base/names.h"
#include "drivers/base/result.h"
#include "drivers/base/revision_name.h"

#include <string>
#include <string_view>
#include <variant>

namespace varve::paths {

inline constexpr std::string_view control_directory = ".varve";

struct VolumeEntry {
    base::VolumeName volume;
};  // root.img
struct RevisionEntry {
    base::VolumeName volume;
    base::RevisionId revision;
};  // root.img@before-upgrade
struct CurrentEntry {
    base::VolumeName volume;
};  // root.img@current: the committed state, read-only, unlisted
struct ScratchEntry {
    std::string name;
};                       // .anything; CuXXXXXX and sedXXXXXX of coreutils and sed
struct ControlEntry {};  // .varve

using EntryName = std::variant<VolumeEntry, RevisionEntry, CurrentEntry, ScratchEntry, ControlEntry>;

// InvalidName, with the reason, for anything else.
[[nodiscard]] base::Result<EntryName> parse_entry(std::string_view name);

[[nodiscard]] std::string volume_file(const base::VolumeName& volume);
// Under which name the volume's own path is listed: a plain file has no `.img`.
[[nodiscard]] std::string shown_file(const base::VolumeName& volume, const api::VolumeView& view);
[[nodiscard]] std::string revision_file(const base::VolumeName& volume, const base::RevisionId& revision);

}  // namespace varve::paths
