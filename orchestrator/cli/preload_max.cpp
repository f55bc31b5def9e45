// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/changes.h"
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class PreloadMaxCommand final : public OrchestratorCommand {
public:
    explicit PreloadMaxCommand(CLI::App& app) {
        app.footer(
            "The same as 'varve vm set VM preload-dispvm-max=COUNT'. The system's preload-dispvm-max overrides it for the "
            "default_dispvm.\n\nExamples:\n  varve preload max dvm 3\n  varve preload max dvm default");
        app.add_option("VM", vm_, "The disposable template")->required()->type_name("");
        app.add_option("COUNT", count_, "0 to 100, or 'default' to say nothing about it here")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto value = count_ == "default" ? std::string() : count_;
        return change_definition(context, vm_, {{"changes", {{"preload-dispvm-max", value}}}});
    }

private:
    std::string vm_;
    std::string count_;
};

}  // namespace

OrchestratorSubcommand add_preload_max(CLI::App& parent) {
    return subcommand<PreloadMaxCommand>(parent, "max", "Set how many disposables of a template are kept ready");
}

}  // namespace varve::cli
