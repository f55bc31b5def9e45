// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/session_verb.h"

#include <CLI/CLI.hpp>

namespace varve::cli {
namespace {

class SessionCommand final : public Command {
public:
    SessionCommand(CLI::App& app, SessionVerb verb) : verb_(std::move(verb)) {
        app.footer(verb_.footer);
        app.add_option("TARGET", texts_, "POOL/VM for all its volumes there, or POOL/VM/VOLUME; or a path inside the mount")
            ->required()
            ->type_name("");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    base::Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        for (const auto& text : texts_) requests_.push_back(request_for(TRY(vm_or_volume_target(resolver, text)), {verb_.verb}));
        return {};
    }

    ExitCode run(const Context& context) override { return send_all(context, requests_, verb_.remark); }

private:
    SessionVerb verb_;
    std::vector<std::string> texts_;
    std::vector<CtlRequest> requests_;
};

}  // namespace

Subcommand add_session_verb(CLI::App& parent, SessionVerb verb) {
    auto* app = parent.add_subcommand(verb.verb, verb.description);
    app->fallthrough();
    return {app, std::make_unique<SessionCommand>(*app, std::move(verb))};
}

}  // namespace varve::cli
