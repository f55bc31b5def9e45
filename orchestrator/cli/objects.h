// SPDX-License-Identifier: LGPL-2.1-or-later
// The JSON objects of pools and volumes, documented in varve(1).
#pragma once

#include "orchestrator/mount_client/inventory.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace varve::cli {

[[nodiscard]] nlohmann::json object_of(const mount_client::Pool& pool);
[[nodiscard]] nlohmann::json object_of(const mount_client::Revision& revision);
// Of a `prune_below`: null for none.
[[nodiscard]] nlohmann::json prune_below_object(const std::string& prune_below);
[[nodiscard]] nlohmann::json object_of(const mount_client::Volume& volume);
[[nodiscard]] nlohmann::json object_of(const mount_client::VolumeDetails& details);
[[nodiscard]] nlohmann::json object_of(const mount_client::VolumeRetention& retention);

}  // namespace varve::cli
