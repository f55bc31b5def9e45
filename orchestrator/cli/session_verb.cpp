// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/session_verb.h"

#include <CLI/CLI.hpp>

namespace varve::cli {
namespace {

class SessionCommand final : public Command {
public:
    SessionCommand(CLI::App& parent, SessionVerb verb) : verb_(std::move(verb)) {
        app_ = parent.add_subcommand(verb_.verb, verb_.description);
        app_->footer(verb_.footer);
        app_->fallthrough();
        app_->add_option("TARGET", texts_, "POOL/VM for all its volumes there, or POOL/VM/VOLUME; or a path inside the mount")
            ->required()
            ->type_name("");
    }

    [[nodiscard]] const CLI::App* app() const { return app_; }
    [[nodiscard]] bool handles_interrupts() const override { return true; }

    base::Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        for (const auto& text : texts_) requests_.push_back(request_for(TRY(vm_or_volume_target(resolver, text)), {verb_.verb}));
        return {};
    }

    ExitCode run(const Context& context) override { return send_all(context, requests_, verb_.remark); }

private:
    SessionVerb verb_;
    CLI::App* app_ = nullptr;
    std::vector<std::string> texts_;
    std::vector<CtlRequest> requests_;
};

}  // namespace

Subcommand add_session_verb(CLI::App& parent, SessionVerb verb) {
    auto command = std::make_unique<SessionCommand>(parent, std::move(verb));
    const auto* app = command->app();
    return {app, std::move(command)};
}

}  // namespace varve::cli
