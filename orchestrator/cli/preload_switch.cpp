// SPDX-License-Identifier: LGPL-2.1-or-later
// `begin` and `resume`: of all templates at once, for the host's units.
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class PreloadSwitchCommand final : public OrchestratorCommand {
public:
    PreloadSwitchCommand(CLI::App& app, std::string verb, const std::string& footer, std::string done)
        : verb_(std::move(verb)), done_(std::move(done)) {
        app.footer(footer);
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto result = TRY(context.call("preload." + verb_, nlohmann::json::object()));
        context.output.object(result);
        context.output.remark("preloading  " + done_);
        return {};
    }

private:
    std::string verb_;
    std::string done_;
};

OrchestratorSubcommand add_switch(CLI::App& parent, const std::string& verb, const std::string& description, const std::string& footer,
                                  const std::string& done) {
    return subcommand<PreloadSwitchCommand>(parent, verb, description, verb, footer, done);
}

}  // namespace

OrchestratorSubcommand add_preload_begin(CLI::App& parent) {
    return add_switch(parent, "begin", "Begin to keep disposables ready",
                      "Once after each start of the machine; varve-preload.service does it when the standard VMs have started.\n\n"
                      "Examples:\n  varve preload begin",
                      "begun");
}

OrchestratorSubcommand add_preload_resume(CLI::App& parent) {
    return add_switch(parent, "resume", "Keep disposables ready again", "Examples:\n  varve preload resume", "resumed");
}

}  // namespace varve::cli
