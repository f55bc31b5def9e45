// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/cli/terminal_relay.h"

namespace varve::cli {
namespace {

class VmConsoleCommand final : public OrchestratorCommand {
public:
    explicit VmConsoleCommand(CLI::App& app) {
        app.footer("Ctrl-] leaves it. With --json, only the path of its terminal device.\n\nExamples:\n  varve vm console work");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        if (context.output.json()) {
            context.output.object(TRY(context.call("vm.console", {{"vm", vm_}})));
            return {};
        }
        (void)TRY(context.call("vm.console", {{"vm", vm_}, {"open", true}}));
        const auto console = context.client.take_descriptor();
        if (!console.valid()) return base::fail(base::Errc::Corrupt, "the orchestrator has not sent the console of " + vm_);
        context.output.remark("Ctrl-] leaves the console of " + vm_);
        context.world.out.flush();
        return relay_terminal(console.get(), context.world.input, context.world.output);
    }

private:
    std::string vm_;
};

}  // namespace

OrchestratorSubcommand add_vm_console(CLI::App& parent) {
    return subcommand<VmConsoleCommand>(parent, "console", "Use a VM's serial console");
}

}  // namespace varve::cli
