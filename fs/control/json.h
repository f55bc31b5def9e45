// SPDX-License-Identifier: LGPL-2.1-or-later
// The JSON that the control tree speaks; docs/control-tree.md shows it.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/api/retention.h"
#include "drivers/base/result.h"
#include "fs/engine/failures.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::control {

using Json = nlohmann::ordered_json;  // fields in the order of the documentation

// One line of ASCII without its newline; text that is not UTF-8 gets replacement characters.
[[nodiscard]] std::string compact(const Json& value);

// {"code":...,"errno":...,"name":...,"message":...}
[[nodiscard]] Json error_object(const base::Error& error);
// A line of `errors`.
[[nodiscard]] Json failure_object(const engine::FailedOperation& failure);
// A line of `revisions`, in a pool that has prune_below or not.
[[nodiscard]] Json revision_object(const api::Revision& revision, const api::Reasons& reasons, bool prunes_for_space);
// {"findings":[...]}
[[nodiscard]] Json findings_object(const std::vector<api::Finding>& findings);
[[nodiscard]] Json revision_names(const std::vector<base::RevisionId>& revisions);

// What a command was given to: nothing (the root), a volume or a VM.
struct Subject {
    std::string_view field;  // protocol::field::volume or vm; empty: the root
    std::string name;
};
// {"ok":...,"command":...,"volume":...,"result" or "error":...}
[[nodiscard]] Json outcome_object(std::string_view command, const Subject& subject, const base::Result<Json>& outcome);

}  // namespace varve::control
