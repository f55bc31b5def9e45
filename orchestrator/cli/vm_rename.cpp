// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class VmRenameCommand final : public OrchestratorCommand {
public:
    explicit VmRenameCommand(CLI::App& parent) {
        app_ = parent.add_subcommand("rename", "Rename a halted VM, with its volumes");
        app_->footer("Whatever refers to it follows.\n\nExamples:\n  varve vm rename work office");
        app_->fallthrough();
        app_->add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app_->add_option("NAME", to_, "The new name")->required()->type_name("");
    }
    [[nodiscard]] const CLI::App* app() const { return app_; }

    base::Result<> run(const OrchestratorContext& context) override {
        context.output.object(TRY(context.call("vm.rename", {{"vm", vm_}, {"to", to_}})));
        context.output.remark(vm_ + "  renamed to " + to_);
        return {};
    }

private:
    CLI::App* app_;
    std::string vm_;
    std::string to_;
};

}  // namespace

OrchestratorSubcommand add_vm_rename(CLI::App& parent) {
    auto command = std::make_unique<VmRenameCommand>(parent);
    const auto* app = command->app();
    return {app, std::move(command)};
}

}  // namespace varve::cli
