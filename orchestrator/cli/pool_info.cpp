// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/objects.h"
#include "orchestrator/cli/sheet.h"
#include "orchestrator/cli/targets.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

std::string text_of(const Output& output, const mount_client::Pool& pool) {
    return sheet({{"Pool", pool.name.str()},
                  {"Included in", pool.included_in.empty() ? "-" : "pool " + pool.included_in},
                  {"Driver", pool.driver},
                  {"Size", output.size({pool.size})},
                  {"Used", output.size({pool.usage})},
                  {"Revisions to keep", std::to_string(pool.revisions_to_keep)},
                  {"Schedule", pool.schedule},
                  {"Prune below", pool.prune_below},
                  {"Configuration", pool.config}});
}

class PoolInfo final : public Command {
public:
    explicit PoolInfo(CLI::App& app) {
        app.footer("Examples:\n  varve pool info fast\n  varve --json pool info fast | jq .config");
        app.add_option("NAME", target_, "The pool")->required()->type_name("");
    }

    base::Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        name_ = TRY(pool_target(resolver, target_));
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto pool = mount_client::read_pool(context.mount, *name_);
        if (!pool) return context.output.failure(pool.error());
        context.output.object(object_of(*pool));
        context.output.text(text_of(context.output, *pool));
        return ExitCode::Ok;
    }

private:
    std::string target_;
    std::optional<base::PoolName> name_;
};

}  // namespace

Subcommand add_pool_info(CLI::App& parent) {
    auto* app = parent.add_subcommand("info", "Show everything about a pool");
    app->fallthrough();
    return {app, std::make_unique<PoolInfo>(*app)};
}

}  // namespace varve::cli
