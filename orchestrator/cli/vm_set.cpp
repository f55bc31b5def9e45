// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/changes.h"
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class VmSetCommand final : public OrchestratorCommand {
public:
    explicit VmSetCommand(CLI::App& parent) {
        app_ = parent.add_subcommand("set", "Change keys of a VM's definition");
        app_->footer(
            "The keys are those of varve-vm(5); an empty value takes a key away, lists take commas. What runs is not changed: it holds "
            "from the next start.\n\nExamples:\n  varve vm set work memory=2G vcpus=4\n  varve vm set work needs=net,firewall "
            "boot.cmdline='quiet'\n  varve vm set work default_dispvm=");
        app_->fallthrough();
        app_->add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app_->add_option("KEY=VALUE", changes_, "What to change")->required()->type_name("");
    }
    [[nodiscard]] const CLI::App* app() const { return app_; }

    base::Result<> run(const OrchestratorContext& context) override { return change_definition(context, vm_, TRY(read_changes(changes_))); }

private:
    CLI::App* app_;
    std::string vm_;
    std::vector<std::string> changes_;
};

}  // namespace

OrchestratorSubcommand add_vm_set(CLI::App& parent) {
    auto command = std::make_unique<VmSetCommand>(parent);
    const auto* app = command->app();
    return {app, std::move(command)};
}

}  // namespace varve::cli
