// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/mount_client/json_fields.h"

namespace varve::cli {
namespace {

using mount_client::flag_field;
using mount_client::text_field;

class PreloadStatusCommand final : public OrchestratorCommand {
public:
    explicit PreloadStatusCommand(CLI::App& app) {
        app.footer(
            "READY may be handed out now; BEGUN are on the way there; OUTDATED are replaced in a moment.\n\nExamples:\n  varve preload "
            "status\n"
            "  varve --json preload status | jq '.templates[].preloads[].vm'");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto status = TRY(context.call("preload.status", nlohmann::json::object()));
        context.output.object(status);
        Table table({{"TEMPLATE"},
                     {"MAX", Align::Right},
                     {"READY", Align::Right},
                     {"BEGUN", Align::Right},
                     {"OUTDATED", Align::Right},
                     {"TROUBLE"}});
        for (const auto& each : mount_client::list_field(status, "templates")) add_row(table, each);
        context.output.text(table.text());
        if (!flag_field(status, "begun")) context.output.remark("preloading has not begun: 'varve preload begin' begins it");
        if (flag_field(status, "suspended")) context.output.remark("preloading is suspended: 'varve preload resume' goes on");
        if (flag_field(status, "wants_memory")) context.output.remark("some are missing: there is too little memory");
        return {};
    }

private:
    static void add_row(Table& table, const nlohmann::json& status) {
        int ready = 0;
        int begun = 0;
        int outdated = 0;
        const auto preloads = mount_client::list_field(status, "preloads");
        for (const auto& each : preloads)
            ++(flag_field(each, "outdated") ? outdated : text_field(each, "phase") == "ready" ? ready : begun);
        const auto max = mount_client::number_field(status, "max", 0, INT64_MAX).value_or(0);
        table.add({text_field(status, "template"), std::to_string(max), std::to_string(ready), std::to_string(begun),
                   std::to_string(outdated), text_field(status, "trouble")});
    }
};

}  // namespace

OrchestratorSubcommand add_preload_status(CLI::App& parent) {
    return subcommand<PreloadStatusCommand>(parent, "status", "Show the disposables that are kept ready");
}

}  // namespace varve::cli
