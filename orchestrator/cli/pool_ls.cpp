// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/objects.h"
#include "orchestrator/cli/table.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

class PoolLs final : public Command {
public:
    explicit PoolLs(CLI::App& app) { app.footer("Examples:\n  varve pool ls\n  varve --json pool ls | jq '.pools[].usage'"); }

    base::Result<> resolve(const mount_client::ReferenceResolver& /*resolver*/) override { return {}; }

    ExitCode run(const Context& context) override {
        const auto names = mount_client::pools(context.mount);
        if (!names) return context.output.failure(names.error());
        Table table({{"POOL"}, {"DRIVER"}, {"SIZE", Align::Right}, {"USED", Align::Right}, {"KEEP", Align::Right}});
        auto objects = nlohmann::json::array();
        auto code = ExitCode::Ok;
        for (const auto& name : *names) {
            const auto pool = mount_client::read_pool(context.mount, name);
            if (!pool) {
                if (pool.error().code != base::Errc::NotFound) code = context.output.failure(pool.error(), ExitCode::Failed);
                continue;  // removed meanwhile, or reported: the others are still shown
            }
            objects.push_back(object_of(*pool));
            table.add({name.str(), pool->driver, context.output.size({pool->size}), context.output.size({pool->usage}),
                       std::to_string(pool->revisions_to_keep)});
        }
        context.output.object({{"pools", std::move(objects)}});
        context.output.text(table.text());
        return code;
    }
};

}  // namespace

Subcommand add_pool_ls(CLI::App& parent) {
    auto* app = parent.add_subcommand("ls", "List the pools");
    app->fallthrough();
    return {app, std::make_unique<PoolLs>(*app)};
}

}  // namespace varve::cli
