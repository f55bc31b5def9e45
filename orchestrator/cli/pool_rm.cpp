// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/ctl.h"

#include <CLI/CLI.hpp>

namespace varve::cli {
namespace {

class PoolRm final : public Command {
public:
    explicit PoolRm(CLI::App& app) {
        app.footer("The pool's data stay where they are: adding it again brings everything back.\n\nExamples:\n  varve pool rm fast");
        app.add_option("NAME", target_, "The pool")->required()->type_name("");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    base::Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        const auto pool = TRY(pool_target(resolver, target_));
        request_ = request_for_root("the pool " + pool.str(), {std::string(protocol::verb::pool_rm), pool.str()});
        return {};
    }

    ExitCode run(const Context& context) override {
        return send_all(context, {request_}, [&](const mount_client::Reply&) { return request_.words.back() + "  removed"; });
    }

private:
    std::string target_;
    CtlRequest request_;
};

}  // namespace

Subcommand add_pool_rm(CLI::App& parent) {
    auto* app = parent.add_subcommand("rm", "Take a pool away, leaving its data alone");
    app->fallthrough();
    return {app, std::make_unique<PoolRm>(*app)};
}

}  // namespace varve::cli
