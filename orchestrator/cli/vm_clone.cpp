// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class VmCloneCommand final : public OrchestratorCommand {
public:
    explicit VmCloneCommand(CLI::App& app) {
        app.footer(
            "The copy has another UUID and other MAC addresses, and no preload settings.\n\nExamples:\n  varve vm clone work work-2");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app.add_option("NAME", to_, "The new name")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        context.output.object(TRY(context.call("vm.clone", {{"vm", vm_}, {"to", to_}})));
        context.output.remark(vm_ + "  cloned as " + to_);
        return {};
    }

private:
    std::string vm_;
    std::string to_;
};

}  // namespace

OrchestratorSubcommand add_vm_clone(CLI::App& parent) { return subcommand<VmCloneCommand>(parent, "clone", "Copy a VM, with its volumes"); }

}  // namespace varve::cli
