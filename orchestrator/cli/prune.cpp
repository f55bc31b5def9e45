// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/ctl.h"
#include "orchestrator/cli/terminal_text.h"
#include "orchestrator/mount_client/inventory.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using base::Result;

class Prune final : public Command {
public:
    explicit Prune(CLI::App& app) {
        app.footer(
            "As at a stop: what neither revisions_to_keep nor the schedule keeps goes. Pinned ones, sources of snapshots, and what an\n"
            "operation of the mount replaced less than prune_grace ago are spared. varve revisions shows why each one is kept.\n\n"
            "Examples:\n  varve prune fast/work\n  varve prune --dry-run fast/work/root\n  varve prune fast");
        app.add_option("TARGET", texts_, "POOL, POOL/VM for all its volumes there, or POOL/VM/VOLUME; or a path inside the mount")
            ->required()
            ->type_name("");
        app.add_flag("-n,--dry-run", dry_run_, "Say what would be removed, and remove nothing");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        for (const auto& text : texts_) targets_.push_back(TRY(tree_target(resolver, text)));
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto volumes = wanted_volumes(context.mount);
        if (!volumes) return context.output.failure(volumes.error());
        if (dry_run_) return foretell(context, *volumes);
        std::vector<CtlRequest> requests;
        for (const auto& volume : *volumes) requests.push_back(request_for(volume, {std::string(protocol::verb::prune)}));
        return send_all(context, requests, [&](const mount_client::Reply& reply) -> std::string {
            for (const auto& revision : reply.removed) context.output.remark(reply.subject + "@" + revision + "  removed");
            return reply.removed.empty() ? reply.subject + "  nothing to remove" : "";
        });
    }

private:
    Result<std::vector<base::VolumeId>> wanted_volumes(const mount_client::Mount& mount) const {
        std::vector<base::VolumeId> volumes;
        for (const auto& target : targets_) {
            const auto below = TRY(mount_client::volumes_below(mount, target));
            volumes.insert(volumes.end(), below.begin(), below.end());
        }
        return volumes;
    }

    // {"results":[{"volume":...,"would_remove":[...]}]}
    static ExitCode foretell(const Context& context, const std::vector<base::VolumeId>& volumes) {
        auto results = nlohmann::json::array();
        auto code = ExitCode::Ok;
        for (const auto& volume : volumes) {
            const auto retention = mount_client::read_retention(context.mount, volume);
            if (!retention) {
                const auto failed = context.output.failure(retention.error());
                if (code == ExitCode::Ok) code = failed;
                continue;
            }
            auto names = nlohmann::json::array();
            for (const auto& revision : retention->revisions)
                if (revision.kept.empty()) names.push_back(revision.name);
            for (const auto& name : names)
                context.output.text(printable(volume.str() + "@" + name.get<std::string>() + "  would be removed") + "\n");
            if (names.empty()) context.output.text(volume.str() + "  nothing to remove\n");
            results.push_back({{"volume", volume.str()}, {"would_remove", std::move(names)}});
        }
        context.output.object({{"results", std::move(results)}});
        return code;
    }

    std::vector<std::string> texts_;
    std::vector<mount_client::Reference> targets_;
    bool dry_run_ = false;
};

}  // namespace

Subcommand add_prune(CLI::App& parent) {
    auto* app = parent.add_subcommand("prune", "Remove the revisions that need not be kept");
    app->fallthrough();
    return {app, std::make_unique<Prune>(*app)};
}

}  // namespace varve::cli
