// SPDX-License-Identifier: LGPL-2.1-or-later
// The names of LVs: those of the Qubes driver lvm_thin, and Varve's own for what Qubes has not.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varve::lvm_thin {

[[nodiscard]] std::string committed_name(const base::VolumePath& volume);                     // vm-<vm>-<volume>
[[nodiscard]] std::string session_name(const base::VolumePath& volume);                       // ...-snap
[[nodiscard]] std::string revision_name(const base::VolumePath& volume, std::int64_t epoch);  // ...-<epoch>-back
[[nodiscard]] std::string label_name(const base::VolumePath& volume, std::uint64_t number);   // ...-<number>-label; Qubes skips it
[[nodiscard]] std::string temporary_name(std::string_view unique);                            // varve-<unique>-tmp
[[nodiscard]] bool is_temporary(std::string_view name);

// What a name says: used only for LVs that no record of Varve's knows.
struct QubesName {
    enum class Role { Committed, Session, Revision, Import };
    base::VolumePath volume;
    Role role;
    std::int64_t epoch = 0;  // of a revision
};
// Names are ambiguous (a VM may be called `a-root`, a volume `snap`): the longest suffix is believed, and the caller looks whether its volume
// is there. nullopt for what is no name of a volume.
[[nodiscard]] std::optional<QubesName> parse_name(std::string_view name);

// Whether every name of the volume's LVs fits into LVM and device-mapper: InvalidName, with the reason.
[[nodiscard]] base::Result<> check_names(const std::string& volume_group, const base::VolumePath& volume);

// As device-mapper shows it: <vg>-<lv>, dashes doubled.
[[nodiscard]] std::string device_name(std::string_view volume_group, std::string_view lv);

}  // namespace varve::lvm_thin
