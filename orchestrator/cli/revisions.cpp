// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/objects.h"
#include "orchestrator/cli/revision_text.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/cli/targets.h"
#include "orchestrator/mount_client/inventory.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace varve::cli {
namespace {

using base::Errc;
using base::Result;
using mount_client::PoolReference;
using mount_client::Revision;
using mount_client::StateReference;
using mount_client::VolumeUsage;
using nlohmann::json;

// Nothing where the storage does not tell.
std::optional<std::uint64_t> exclusive_of(const VolumeUsage& volume, const Revision& revision) {
    const auto state = std::ranges::find(volume.states, revision.name, &VolumeUsage::State::revision);
    if (state == volume.states.end()) return std::nullopt;
    return state->exclusive;
}

json revisions_object(const VolumeUsage& volume) {
    auto revisions = json::array();
    for (const auto& revision : volume.revisions) {
        const auto exclusive = exclusive_of(volume, revision);
        revisions.push_back(object_of(revision));
        revisions.back()["exclusive"] = exclusive ? json(*exclusive) : json(nullptr);
    }
    return {{"volume", volume.volume.str()}, {"revisions", std::move(revisions)}};
}

void add_rows(Table& table, const Output& output, const VolumeUsage& volume) {
    for (const auto& revision : volume.revisions) {
        const auto exclusive = exclusive_of(volume, revision);
        table.add({volume.volume.str() + "@" + revision.name, revision.modified, output.size({revision.size}),
                   output.size({revision.usage}), exclusive ? output.size({*exclusive}) : "", reasons_to_keep(revision)});
    }
}

class Revisions final : public Command {
public:
    explicit Revisions(CLI::App& app) {
        app.footer(
            "Oldest first. EXCLUSIVE is what removing that one alone frees. What has a label is pinned: it is kept until it is removed, or "
            "varve unpin\ntakes the label away.\n\n"
            "Examples:\n  varve revisions fast/work/root\n  varve revisions fast/work\n"
            "  varve --json revisions fast/work | jq -r '.volumes[] | .volume + \"@\" + (.revisions[] | select(.pinned).revision)'");
        app.add_option("TARGET", target_, "POOL/VM/VOLUME, POOL/VM for all its volumes there, or a path inside the mount")
            ->required()
            ->type_name("");
    }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        reference_ = TRY(tree_target(resolver, target_));
        if (std::holds_alternative<PoolReference>(*reference_))
            return base::fail(Errc::InvalidArgument, "'" + target_ + "' is a pool; name a VM (POOL/VM) or a volume (POOL/VM/VOLUME)");
        return {};
    }

    ExitCode run(const Context& context) override {
        const bool named = std::holds_alternative<StateReference>(*reference_);
        const auto wanted = mount_client::volumes_below(context.mount, reference_);
        if (!wanted) return context.output.failure(wanted.error());
        auto code = ExitCode::Ok;
        std::vector<VolumeUsage> volumes;
        for (const auto& volume : *wanted) {
            auto usage = mount_client::read_usage(context.mount, volume);
            if (usage)
                volumes.push_back(*std::move(usage));
            else if (named || usage.error().code != Errc::NotFound)  // what vanished meanwhile is none
                code = context.output.failure(usage.error());
        }
        if (code == ExitCode::Ok || !volumes.empty()) show(context.output, volumes);
        return code;
    }

private:
    void show(const Output& output, const std::vector<VolumeUsage>& volumes) const {
        Table table({{"REVISION"}, {"WRITTEN"}, {"SIZE", Align::Right}, {"USED", Align::Right}, {"EXCLUSIVE", Align::Right}, {"KEPT FOR"}});
        auto objects = json::array();
        bool any = false;
        for (const auto& volume : volumes) {
            any |= !volume.revisions.empty();
            add_rows(table, output, volume);
            objects.push_back(revisions_object(volume));
        }
        output.object({{"volumes", std::move(objects)}});
        if (any)
            output.text(table.text());
        else
            output.remark(mount_client::to_string(*reference_) + "  no revisions");
    }

    std::string target_;
    std::optional<mount_client::Reference> reference_;
};

}  // namespace

Subcommand add_revisions(CLI::App& parent) {
    auto* app = parent.add_subcommand("revisions", "Show the revisions of a volume, and why each is kept");
    app->fallthrough();
    return {app, std::make_unique<Revisions>(*app)};
}

}  // namespace varve::cli
