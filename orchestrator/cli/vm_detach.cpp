// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class VmDetachCommand final : public OrchestratorCommand {
public:
    explicit VmDetachCommand(CLI::App& app) {
        app.footer("Examples:\n  varve vm detach work vdc");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app.add_option("DISK", target_, "What the guest calls it")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        context.output.object(TRY(context.call("vm.detach", {{"vm", vm_}, {"target", target_}})));
        context.output.remark(vm_ + "  " + target_ + " detached");
        return {};
    }

private:
    std::string vm_;
    std::string target_;
};

}  // namespace

OrchestratorSubcommand add_vm_detach(CLI::App& parent) {
    return subcommand<VmDetachCommand>(parent, "detach", "Take a disk away from a running VM");
}

}  // namespace varve::cli
