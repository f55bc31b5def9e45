// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class VmRmCommand final : public OrchestratorCommand {
public:
    explicit VmRmCommand(CLI::App& parent) {
        app_ = parent.add_subcommand("rm", "Remove a halted VM, with its volumes");
        app_->footer("A template with children, and what others need, is not removed.\n\nExamples:\n  varve vm rm work");
        app_->fallthrough();
        app_->add_option("VM", vm_, "The VM's name")->required()->type_name("");
    }
    [[nodiscard]] const CLI::App* app() const { return app_; }

    base::Result<> run(const OrchestratorContext& context) override {
        context.output.object(TRY(context.call("vm.remove", {{"vm", vm_}})));
        context.output.remark(vm_ + "  removed");
        return {};
    }

private:
    CLI::App* app_;
    std::string vm_;
};

}  // namespace

OrchestratorSubcommand add_vm_rm(CLI::App& parent) {
    auto command = std::make_unique<VmRmCommand>(parent);
    const auto* app = command->app();
    return {app, std::move(command)};
}

}  // namespace varve::cli
