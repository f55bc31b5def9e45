// SPDX-License-Identifier: LGPL-2.1-or-later
// What the API says of VMs (docs/orchestrator-api.md).
#pragma once

#include "drivers/settings/value.h"
#include "orchestrator/definitions/vm_definition.h"
#include "orchestrator/vm/machines.h"

#include <nlohmann/json_fwd.hpp>

namespace varve::service {

// A definition has the same keys as its TOML.
[[nodiscard]] nlohmann::json json_of(const definitions::VmDefinition& vm);
// InvalidArgument for a value that TOML's keys have no place for.
[[nodiscard]] base::Result<settings::Table> table_of(const nlohmann::json& object);

// Without its definition's details: {"vm","class","template","state","trouble","tags"}.
[[nodiscard]] nlohmann::json summary_of(const definitions::VmDefinition& vm, const vm::VmInfo& info);
[[nodiscard]] nlohmann::json json_of(const vm::StartReport& report);
[[nodiscard]] nlohmann::json json_of(const vm::StopReport& report);
[[nodiscard]] nlohmann::json json_of(const vm::CommitReport& report);
[[nodiscard]] nlohmann::json json_of(const vm::StageEvent& event);
[[nodiscard]] nlohmann::json json_of(const vm::VmEvent& event);
[[nodiscard]] nlohmann::json json_of(const std::vector<vm::DiskInfo>& disks);

}  // namespace varve::service
