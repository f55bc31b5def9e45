// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/ctl.h"

#include <CLI/CLI.hpp>

namespace varve::cli {
namespace {

using base::Errc;
using base::fail;

class Revert final : public Command {
public:
    explicit Revert(CLI::App& app) {
        app.footer(
            "The present state is kept as a revision first, and a label stays where it is.\n\n"
            "Examples:\n  varve revert fast/work/root 2018-01-02T03:04:05Z\n  varve revert fast/work/root@before-upgrade\n"
            "  varve revert ./root.img@before-upgrade");
        app.add_option("TARGET", target_, "POOL/VM/VOLUME[@REVISION], or a path inside the mount")->required()->type_name("");
        app.add_option("REVISION", revision_, "A time or a label, unless TARGET has it")->type_name("");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    base::Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        const auto state = TRY(state_target(resolver, target_));
        if (state.revision.has_value() == !revision_.empty())
            return fail(Errc::InvalidArgument, "name one revision to go back to: varve revert " + state.volume.str() + " REVISION");
        const auto revision = state.revision ? *state.revision : TRY(base::RevisionId::parse(revision_));
        request_ = request_for(state.volume, {std::string(protocol::verb::revert), revision.str()});
        return {};
    }

    ExitCode run(const Context& context) override {
        return send_all(context, {request_},
                        [&](const mount_client::Reply&) { return request_.subject + "  reverted to " + request_.words.back(); });
    }

private:
    std::string target_;
    std::string revision_;
    CtlRequest request_;
};

}  // namespace

Subcommand add_revert(CLI::App& parent) {
    auto* app = parent.add_subcommand("revert", "Make an earlier state of a volume its present one");
    app->fallthrough();
    return {app, std::make_unique<Revert>(*app)};
}

}  // namespace varve::cli
