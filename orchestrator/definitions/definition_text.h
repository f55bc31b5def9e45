// SPDX-License-Identifier: LGPL-2.1-or-later
// A definition as people write it: TOML, or the same as tables (docs/man/varve-vm.5.md has every key).
#pragma once

#include "drivers/settings/mistakes.h"
#include "drivers/settings/value.h"
#include "orchestrator/definitions/vm_definition.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::definitions {

// The definition, or every mistake found in it.
[[nodiscard]] tl::expected<VmDefinition, std::vector<settings::Mistake>> parse(const base::VmName& name, std::string_view toml);
[[nodiscard]] tl::expected<VmDefinition, std::vector<settings::Mistake>> from_table(const base::VmName& name, const settings::Table& table);

// What parse() and from_table() read back as the same definition. Keys that have their default are left out.
[[nodiscard]] std::string to_toml(const VmDefinition& vm);
[[nodiscard]] settings::Table to_table(const VmDefinition& vm);

// A key and its value: "memory", "boot.kernel", "features.x". The empty text takes the key away. Lists take commas.
struct Change {
    std::string key;
    std::string value;
};
// The definition with all of the changes. InvalidArgument names every mistake of the result; keys of volumes, devices and interfaces are not
// changed this way.
[[nodiscard]] base::Result<VmDefinition> with_changes(const VmDefinition& vm, const std::vector<Change>& changes);
// The same, of what need not be a definition before the changes.
[[nodiscard]] base::Result<VmDefinition> with_changes(const base::VmName& name, settings::Table table, const std::vector<Change>& changes);

}  // namespace varve::definitions
