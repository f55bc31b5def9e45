// SPDX-License-Identifier: LGPL-2.1-or-later
// Logical volumes as LVM tells of them.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/units.h"
#include "drivers/kernel/dm_targets.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::lvm_thin {

// 1 to 127 characters of [A-Za-z0-9+_.-], none that LVM keeps for itself (lvm(8), "VALID NAMES").
struct LvNameRules {
    static base::Result<> check(std::string_view text);
};
// Nor may a VG's begin with a dash.
struct VgNameRules {
    static base::Result<> check(std::string_view text);
};
// What LVM takes as a tag: 1 to 1024 characters of [A-Za-z0-9_+.-/=!:&#], not beginning with a dash.
[[nodiscard]] bool is_tag(std::string_view text);

// The 32 characters of a uuid, without LVM's dashes. Never used again for another LV.
struct LvUuid {
    std::string text;
    friend auto operator<=>(const LvUuid&, const LvUuid&) = default;
};
// With or without dashes; Corrupt for anything else.
[[nodiscard]] base::Result<LvUuid> parse_uuid(std::string_view text);

struct Lv {
    LvUuid uuid;
    std::string name;
    std::string pool;  // the thin pool of a thin volume, else empty
    base::Bytes size;
    std::vector<std::string> tags;
    bool active = false;
    std::optional<kernel::ThinId> thin_id = {};  // in its pool; of a thin volume
};

// A volume group as it is now.
struct VolumeGroup {
    base::Bytes extent;
    std::vector<Lv> lvs;  // hidden ones (a pool's parts) too
};

}  // namespace varve::lvm_thin
