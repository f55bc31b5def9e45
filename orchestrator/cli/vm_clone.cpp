// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class VmCloneCommand final : public OrchestratorCommand {
public:
    explicit VmCloneCommand(CLI::App& parent) {
        app_ = parent.add_subcommand("clone", "Copy a VM, with its volumes");
        app_->footer(
            "The copy has another UUID and other MAC addresses, and no preload settings.\n\nExamples:\n  varve vm clone work work-2");
        app_->fallthrough();
        app_->add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app_->add_option("NAME", to_, "The new name")->required()->type_name("");
    }
    [[nodiscard]] const CLI::App* app() const { return app_; }

    base::Result<> run(const OrchestratorContext& context) override {
        context.output.object(TRY(context.call("vm.clone", {{"vm", vm_}, {"to", to_}})));
        context.output.remark(vm_ + "  cloned as " + to_);
        return {};
    }

private:
    CLI::App* app_;
    std::string vm_;
    std::string to_;
};

}  // namespace

OrchestratorSubcommand add_vm_clone(CLI::App& parent) {
    auto command = std::make_unique<VmCloneCommand>(parent);
    const auto* app = command->app();
    return {app, std::move(command)};
}

}  // namespace varve::cli
