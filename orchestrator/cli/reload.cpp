// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/ctl.h"

#include <CLI/CLI.hpp>

namespace varve::cli {
namespace {

class Reload final : public Command {
public:
    explicit Reload(CLI::App& app) {
        app.footer(
            "Pools that are new in the configuration are opened, and those that have gone from it are closed; those that are open take "
            "over\n"
            "revisions_to_keep, schedule and prune_below, and stay as they are otherwise. A configuration with mistakes changes nothing;\n"
            "varvefs --check lists all of them.\n\nExamples:\n  varve reload");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    base::Result<> resolve(const mount_client::ReferenceResolver& /*resolver*/) override { return {}; }

    ExitCode run(const Context& context) override {
        return send_all(context, {request_for_root("the configuration", {std::string(protocol::verb::reload)})},
                        [](const mount_client::Reply&) { return "the configuration is read again"; });
    }
};

}  // namespace

Subcommand add_reload(CLI::App& parent) {
    auto* app = parent.add_subcommand("reload", "Let varvefs read its configuration again");
    app->fallthrough();
    return {app, std::make_unique<Reload>(*app)};
}

}  // namespace varve::cli
