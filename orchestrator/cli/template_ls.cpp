// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/mount_client/json_fields.h"

namespace varve::cli {
namespace {

using mount_client::text_field;

class TemplateLsCommand final : public OrchestratorCommand {
public:
    explicit TemplateLsCommand(CLI::App& app) {
        app.footer("Examples:\n  varve template ls\n  varve --json template ls | jq '.templates[] | select(.children == [])'");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto result = TRY(context.call("template.list", nlohmann::json::object()));
        context.output.object(result);
        Table table({{"TEMPLATE"}, {"CLASS"}, {"STATE"}, {"CHILDREN", Align::Right}});
        const auto templates = mount_client::list_field(result, "templates");
        for (const auto& each : templates)
            table.add({text_field(each, "vm"), text_field(each, "class"), text_field(each, "state"),
                       std::to_string(mount_client::list_field(each, "children").size())});
        context.output.text(table.text());
        return {};
    }
};

}  // namespace

OrchestratorSubcommand add_template_ls(CLI::App& parent) {
    return subcommand<TemplateLsCommand>(parent, "ls", "List the templates and disposable templates");
}

}  // namespace varve::cli
