// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class VmRmCommand final : public OrchestratorCommand {
public:
    explicit VmRmCommand(CLI::App& app) {
        app.footer("A template with children, and what others need, is not removed.\n\nExamples:\n  varve vm rm work");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        context.output.object(TRY(context.call("vm.remove", {{"vm", vm_}})));
        context.output.remark(vm_ + "  removed");
        return {};
    }

private:
    std::string vm_;
};

}  // namespace

OrchestratorSubcommand add_vm_rm(CLI::App& parent) { return subcommand<VmRmCommand>(parent, "rm", "Remove a halted VM, with its volumes"); }

}  // namespace varve::cli
