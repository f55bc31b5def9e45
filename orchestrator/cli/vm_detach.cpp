// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class VmDetachCommand final : public OrchestratorCommand {
public:
    explicit VmDetachCommand(CLI::App& parent) {
        app_ = parent.add_subcommand("detach", "Take a disk away from a running VM");
        app_->footer("Examples:\n  varve vm detach work vdc");
        app_->fallthrough();
        app_->add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app_->add_option("DISK", target_, "What the guest calls it")->required()->type_name("");
    }
    [[nodiscard]] const CLI::App* app() const { return app_; }

    base::Result<> run(const OrchestratorContext& context) override {
        context.output.object(TRY(context.call("vm.detach", {{"vm", vm_}, {"target", target_}})));
        context.output.remark(vm_ + "  " + target_ + " detached");
        return {};
    }

private:
    CLI::App* app_;
    std::string vm_;
    std::string target_;
};

}  // namespace

OrchestratorSubcommand add_vm_detach(CLI::App& parent) {
    auto command = std::make_unique<VmDetachCommand>(parent);
    const auto* app = command->app();
    return {app, std::move(command)};
}

}  // namespace varve::cli
