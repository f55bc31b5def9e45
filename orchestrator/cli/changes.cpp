// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/changes.h"

#include "orchestrator/cli/orchestrator_command.h"

#include <nlohmann/json.hpp>

namespace varve::cli {

base::Result<nlohmann::json> read_changes(const std::vector<std::string>& words) {
    auto changes = nlohmann::json::object();
    for (const auto& word : words) {
        const auto equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            return base::fail(base::Errc::InvalidArgument, "expected KEY=VALUE, not '" + word + "'");
        const auto key = word.substr(0, equals);
        if (changes.contains(key)) return base::fail(base::Errc::InvalidArgument, "'" + key + "' is given twice");
        changes[key] = word.substr(equals + 1);
    }
    return changes;
}

base::Result<> change_definition(const OrchestratorContext& context, const std::string& vm, nlohmann::json what) {
    what["vm"] = vm;
    const auto definition = TRY(context.call("vm.set", what));
    context.output.object(definition);
    context.output.remark(vm + "  changed");
    return {};
}

}  // namespace varve::cli
