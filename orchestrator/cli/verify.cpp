// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/ctl.h"
#include "orchestrator/cli/terminal_text.h"
#include "orchestrator/mount_client/inventory.h"

#include <CLI/CLI.hpp>

namespace varve::cli {
namespace {

using base::Result;
using mount_client::PoolReference;
using mount_client::StateReference;
using mount_client::VmReference;

class Verify final : public Command {
public:
    explicit Verify(CLI::App& app) {
        app.footer(
            "Changes nothing. Exit status 1 when something is found, also files that are nobody's.\n\n"
            "Examples:\n  varve verify fast/work\n  varve verify fast/work/root fast/work/private\n"
            "  varve verify fast\n  varve verify\n  varve --json verify fast/work | jq '.results[].result.findings'");
        app.add_option("TARGET", texts_, "POOL[/VM[/VOLUME]] or a path inside the mount (default: everything)")->type_name("");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        for (const auto& text : texts_) targets_.push_back(TRY(tree_target(resolver, text)));
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto requests = requests_to(context.mount);
        if (!requests) return context.output.failure(requests.error());
        bool found = false;
        const auto code = send_all(context, *requests, [&](const mount_client::Reply& reply) -> std::string {
            for (const auto& finding : reply.findings) context.output.text(printable(finding.object + ": " + finding.what) + "\n");
            found |= !reply.findings.empty();
            return reply.findings.empty() ? reply.subject + "  nothing found" : "";
        });
        return code == ExitCode::Ok && found ? ExitCode::Failed : code;
    }

private:
    Result<std::vector<CtlRequest>> requests_to(const mount_client::Mount& mount) const {
        std::vector<CtlRequest> requests;
        const auto add = [&](const VmOrVolume& target) { requests.push_back(request_for(target, {std::string(protocol::verb::verify)})); };
        const auto add_pool = [&](const base::PoolName& pool) -> Result<> {
            for (const auto& vm : TRY(mount_client::vms(mount, pool))) add(VmReference{pool, vm});
            return {};
        };
        for (const auto& target : targets_) {
            if (const auto* pool = std::get_if<PoolReference>(&target))
                TRY(add_pool(pool->pool));
            else if (const auto* vm = std::get_if<VmReference>(&target))
                add(*vm);
            else
                add(std::get<StateReference>(target).volume);
        }
        if (!targets_.empty()) return requests;
        for (const auto& pool : TRY(mount_client::pools(mount)))
            if (const auto added = add_pool(pool); !added && added.error().code != base::Errc::NotFound)  // it vanished since it was listed
                return base::Failure(added.error());
        return requests;
    }

    std::vector<std::string> texts_;
    std::vector<mount_client::Reference> targets_;
};

}  // namespace

Subcommand add_verify(CLI::App& parent) {
    auto* app = parent.add_subcommand("verify", "Look for what is wrong with volumes, VMs and pools");
    app->fallthrough();
    return {app, std::make_unique<Verify>(*app)};
}

}  // namespace varve::cli
