// SPDX-License-Identifier: LGPL-2.1-or-later
// The volumes that a qubes.xml has in one pool, judged and in Varve's words. Pure.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/units.h"
#include "orchestrator/qubes_xml/document.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::qubes_xml {

// snap_on_start x save_on_stop.
enum class Kind { Volatile, Snapshot, Origin, OriginSnapshot };

// As fs/protocol names it.
[[nodiscard]] std::string_view name_of(Kind kind);

struct Volume {
    std::string qube;  // the VM's name in Qubes; that of its storage may be another
    base::VolumePath volume;
    Kind kind = Kind::Origin;
    std::optional<base::VolumePath> source{};  // of kinds that start from one: a volume of the same list, never one that starts from this
    base::Bytes size{};                        // whole sectors; 0: not told
    std::optional<std::int64_t> revisions_to_keep{};  // at least -1, and -1 of origins only; absent: the pool's
    bool rw = true;
    bool ephemeral = false;  // of volatile ones only
};

// What is left out of it on purpose.
struct Omission {
    std::string qube;
    std::string why;
};

struct Adoptable {
    std::vector<Volume> volumes;  // by VM and name; no two of one path
    std::vector<Omission> omissions;
};

// Everything of the pool, or all mistakes in it, at least one. What a volume leaves open is what its VM's class has in Qubes OS R4.2.
[[nodiscard]] tl::expected<Adoptable, std::vector<settings::Mistake>> adoptable(const Document& document, const std::string& pool);

}  // namespace varve::qubes_xml
