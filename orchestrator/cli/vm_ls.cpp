// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/mount_client/json_fields.h"

namespace varve::cli {
namespace {

class VmLsCommand final : public OrchestratorCommand {
public:
    explicit VmLsCommand(CLI::App& app) {
        app.footer(
            "Disposables that are kept ready are listed with --all only.\n\nExamples:\n  varve vm ls\n  varve --json vm ls | jq '.vms[] | "
            "select(.state == \"running\")'");
        app.add_flag("--all", all_, "With the disposables that are kept ready");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto result = TRY(context.call("vm.list", all_ ? nlohmann::json{{"all", true}} : nlohmann::json::object()));
        context.output.object(result);
        Table table({{"VM"}, {"CLASS"}, {"TEMPLATE"}, {"STATE"}, {"TROUBLE"}});
        const auto vms = mount_client::list_field(result, "vms");
        for (const auto& vm : vms) {
            std::vector<std::string> cells;
            for (const auto* name : {"vm", "class", "template", "state", "trouble"}) cells.push_back(mount_client::text_field(vm, name));
            table.add(std::move(cells));
        }
        context.output.text(table.text());
        return {};
    }

private:
    bool all_ = false;
};

}  // namespace

OrchestratorSubcommand add_vm_ls(CLI::App& parent) { return subcommand<VmLsCommand>(parent, "ls", "List the VMs"); }

}  // namespace varve::cli
