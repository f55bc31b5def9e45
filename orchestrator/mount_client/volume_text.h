// SPDX-License-Identifier: LGPL-2.1-or-later
// The JSON lines that volumes' control files and pools' tables have in common; for the files of this folder.
#pragma once

#include "orchestrator/mount_client/inventory.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::mount_client {

// Without empty ones.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);
// What of the list is text.
[[nodiscard]] std::vector<std::string> texts_in(const nlohmann::json& list);

// nullopt for what is not in the form of docs/control-tree.md.
[[nodiscard]] std::optional<Revision> revision_in(const nlohmann::json& object);
[[nodiscard]] std::optional<VolumeUsage::State> share_in(const nlohmann::json& object);
// With these as its state and size, which a `config` does not tell.
[[nodiscard]] std::optional<VolumeConfiguration> configuration_in(const nlohmann::json& object, const base::VolumeId& volume,
                                                                  std::string state, std::uint64_t size);

}  // namespace varve::mount_client
