// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/ctl.h"
#include "orchestrator/cli/terminal_text.h"

#include <CLI/CLI.hpp>

namespace varve::cli {
namespace {

class Verify final : public Command {
public:
    explicit Verify(CLI::App& app) {
        app.footer(
            "Changes nothing. Exit status 1 when something is found, also files that are nobody's.\n\n"
            "Examples:\n  varve verify fast/work\n  varve verify fast/work/root fast/work/private\n"
            "  varve --json verify fast/work | jq '.results[].result.findings'");
        app.add_option("TARGET", texts_, "POOL/VM for the whole VM, or POOL/VM/VOLUME; or a path inside the mount")
            ->required()
            ->type_name("");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    base::Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        for (const auto& text : texts_)
            requests_.push_back(request_for(TRY(vm_or_volume_target(resolver, text)), {std::string(protocol::verb::verify)}));
        return {};
    }

    ExitCode run(const Context& context) override {
        bool found = false;
        const auto code = send_all(context, requests_, [&](const mount_client::Reply& reply) -> std::string {
            for (const auto& finding : reply.findings) context.output.text(printable(finding.object + ": " + finding.what) + "\n");
            found |= !reply.findings.empty();
            return reply.findings.empty() ? reply.subject + "  nothing found" : "";
        });
        return code == ExitCode::Ok && found ? ExitCode::Failed : code;
    }

private:
    std::vector<std::string> texts_;
    std::vector<CtlRequest> requests_;
};

}  // namespace

Subcommand add_verify(CLI::App& parent) {
    auto* app = parent.add_subcommand("verify", "Look for what is wrong with a VM or a volume");
    app->fallthrough();
    return {app, std::make_unique<Verify>(*app)};
}

}  // namespace varve::cli
