// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class VmRenameCommand final : public OrchestratorCommand {
public:
    explicit VmRenameCommand(CLI::App& app) {
        app.footer("Whatever refers to it follows.\n\nExamples:\n  varve vm rename work office");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app.add_option("NAME", to_, "The new name")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        context.output.object(TRY(context.call("vm.rename", {{"vm", vm_}, {"to", to_}})));
        context.output.remark(vm_ + "  renamed to " + to_);
        return {};
    }

private:
    std::string vm_;
    std::string to_;
};

}  // namespace

OrchestratorSubcommand add_vm_rename(CLI::App& parent) {
    return subcommand<VmRenameCommand>(parent, "rename", "Rename a halted VM, with its volumes");
}

}  // namespace varve::cli
