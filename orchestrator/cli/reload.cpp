// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/ctl.h"
#include "orchestrator/mount_client/json_fields.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using nlohmann::json;

// "pool fast  min_free", "min_free".
std::string subject_of(const json& object) {
    const auto pool = mount_client::text_field(object, protocol::field::pool);
    return (pool.empty() ? "" : "pool " + pool + "  ") + mount_client::text_field(object, protocol::field::key);
}

void remark_on(const Output& output, const mount_client::Reply& reply) {
    const auto object = json::parse(reply.json, nullptr, false);
    const auto* result = mount_client::field(object, protocol::field::result);
    if (result == nullptr) return;
    for (const auto name : {protocol::field::opened, protocol::field::closed})
        for (const auto& pool : mount_client::list_field(*result, name))
            if (pool.is_string()) output.remark("pool " + pool.get<std::string>() + "  " + std::string(name));
    for (const auto& changed : mount_client::list_field(*result, protocol::field::changed)) output.remark(subject_of(changed) + " changed");
    for (const auto& ignored : mount_client::list_field(*result, protocol::field::needs_restart))
        output.remark(subject_of(ignored) + " is not taken over: it needs a restart of varvefs");
}

class Reload final : public Command {
public:
    explicit Reload(CLI::App& app) {
        app.footer(
            "Pools that are new in the configuration are opened, and those that have gone from it are closed; those that are open take "
            "over\n"
            "revisions_to_keep, schedule and prune_below. What else has changed is listed, and needs a restart of varvefs. A "
            "configuration\n"
            "with mistakes changes nothing; varvefs --check lists all of them.\n\n"
            "Examples:\n  varve reload\n  varve --json reload | jq '.results[0].result.needs_restart'");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    base::Result<> resolve(const mount_client::ReferenceResolver& /*resolver*/) override { return {}; }

    ExitCode run(const Context& context) override {
        return send_all(context, {request_for_root("the configuration", {std::string(protocol::verb::reload)})},
                        [&](const mount_client::Reply& reply) -> std::string {
                            context.output.remark("the configuration is read again");
                            remark_on(context.output, reply);
                            return {};
                        });
    }
};

}  // namespace

Subcommand add_reload(CLI::App& parent) {
    auto* app = parent.add_subcommand("reload", "Let varvefs read its configuration again");
    app->fallthrough();
    return {app, std::make_unique<Reload>(*app)};
}

}  // namespace varve::cli
