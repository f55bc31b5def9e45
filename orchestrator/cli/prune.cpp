// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/ctl.h"
#include "orchestrator/mount_client/inventory.h"

#include <CLI/CLI.hpp>

namespace varve::cli {
namespace {

using base::Result;
using mount_client::VmReference;

class Prune final : public Command {
public:
    explicit Prune(CLI::App& app) {
        app.footer(
            "As at a stop: the oldest go beyond revisions_to_keep. Pinned ones, sources of snapshots, and what an operation of the mount "
            "replaced\nless than prune_grace ago are spared.\n\n"
            "Examples:\n  varve prune fast/work\n  varve prune fast/work/root");
        app.add_option("TARGET", texts_, "POOL/VM for all its volumes there, or POOL/VM/VOLUME; or a path inside the mount")
            ->required()
            ->type_name("");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        for (const auto& text : texts_) targets_.push_back(TRY(vm_or_volume_target(resolver, text)));
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto requests = requests_for(context.mount);
        if (!requests) return context.output.failure(requests.error());
        return send_all(context, *requests, [&](const mount_client::Reply& reply) -> std::string {
            for (const auto& revision : reply.removed) context.output.remark(reply.subject + "@" + revision + "  removed");
            return reply.removed.empty() ? reply.subject + "  nothing to remove" : "";
        });
    }

private:
    Result<std::vector<CtlRequest>> requests_for(const mount_client::Mount& mount) const {
        std::vector<CtlRequest> requests;
        const auto add = [&](const base::VolumeId& volume) {
            requests.push_back(request_for(volume, {std::string(protocol::verb::prune)}));
        };
        for (const auto& target : targets_) {
            if (const auto* volume = std::get_if<base::VolumeId>(&target)) {
                add(*volume);
                continue;
            }
            const auto& vm = std::get<VmReference>(target);
            for (const auto& volume : TRY(mount_client::volumes(mount, vm))) add({vm.pool, vm.vm, volume});
        }
        return requests;
    }

    std::vector<std::string> texts_;
    std::vector<VmOrVolume> targets_;
};

}  // namespace

Subcommand add_prune(CLI::App& parent) {
    auto* app = parent.add_subcommand("prune", "Remove the revisions that need not be kept");
    app->fallthrough();
    return {app, std::make_unique<Prune>(*app)};
}

}  // namespace varve::cli
