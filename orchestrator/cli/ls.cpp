// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/objects.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/mount_client/tables.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <optional>
#include <set>

namespace varve::cli {
namespace {

using base::Result;
using mount_client::Mount;
using mount_client::PoolReference;
using mount_client::Reference;
using mount_client::StateReference;
using mount_client::VmReference;
using mount_client::Volume;
using nlohmann::json;

struct Listing {
    std::vector<base::PoolName> pools;
    std::vector<VmReference> vms;
    std::vector<Volume> volumes;
    std::vector<base::Error> failures;  // of what is left out

    // What has vanished since its name was read is none; another failure must not hide the rest.
    template <class T>
    bool usable(const Result<T>& found) {
        if (!found && found.error().code != base::Errc::NotFound) failures.push_back(found.error());
        return found.has_value();
    }
};

void list_volumes(const Mount& mount, const VmReference& vm, const std::vector<base::VolumeName>& names, Listing& listing) {
    listing.vms.push_back(vm);
    for (const auto& name : names) {
        auto volume = mount_client::read_volume(mount, {vm.pool, vm.vm, name});
        if (listing.usable(volume)) listing.volumes.push_back(std::move(*volume));
    }
}

// What the pool's own files tell; false when there are none for us.
bool list_by_table(const Mount& mount, const base::PoolName& pool, bool with_revisions, Listing& listing) {
    using mount_client::RevisionsOfVolumes;
    auto rows = mount_client::volumes_table(mount, pool);
    auto revisions =
        with_revisions ? mount_client::revisions_table(mount, pool) : mount_client::TableOf<RevisionsOfVolumes>(RevisionsOfVolumes());
    if (!listing.usable(rows) || !listing.usable(revisions)) return true;  // told as a failure
    if (!*rows || !*revisions) return false;
    for (auto& row : **rows) {
        if (with_revisions) row.volume.revisions = std::move((**revisions)[row.volume.id]);
        listing.volumes.push_back(std::move(row.volume));
    }
    return true;
}

void list_vms(const Mount& mount, const base::PoolName& pool, const std::vector<base::VmName>& names, bool with_revisions,
              Listing& listing) {
    listing.pools.push_back(pool);
    if (list_by_table(mount, pool, with_revisions, listing)) {
        for (const auto& name : names) listing.vms.push_back({pool, name});
        return;
    }
    for (const auto& name : names) {
        const VmReference vm{pool, name};
        const auto found = mount_client::volumes(mount, vm);
        if (listing.usable(found)) list_volumes(mount, vm, *found, listing);
    }
}

Result<Listing> list_everything(const Mount& mount, bool with_revisions) {
    Listing listing;
    for (const auto& pool : TRY(mount_client::pools(mount))) {
        const auto found = mount_client::vms(mount, pool);
        if (listing.usable(found)) list_vms(mount, pool, *found, with_revisions, listing);
    }
    return listing;
}

Result<Listing> list_below(const Mount& mount, const Reference& reference, bool with_revisions) {
    Listing listing;
    if (const auto* pool = std::get_if<PoolReference>(&reference)) {
        list_vms(mount, pool->pool, TRY(mount_client::vms(mount, pool->pool)), with_revisions, listing);
    } else if (const auto* vm = std::get_if<VmReference>(&reference)) {
        list_volumes(mount, *vm, TRY(mount_client::volumes(mount, *vm)), listing);
    } else {
        listing.volumes.push_back(TRY(mount_client::read_volume(mount, std::get<StateReference>(reference).volume)));
    }
    return listing;
}

json listing_object(const Listing& listing) {
    auto pools = json::array();
    auto vms = json::array();
    auto volumes = json::array();
    for (const auto& pool : listing.pools) pools.push_back(pool.str());
    for (const auto& vm : listing.vms) vms.push_back({{"pool", vm.pool.str()}, {"vm", vm.vm.str()}});
    for (const auto& volume : listing.volumes) volumes.push_back(cli::object_of(volume));
    return {{"pools", std::move(pools)}, {"vms", std::move(vms)}, {"volumes", std::move(volumes)}};
}

std::string state_text(const Volume& volume) { return volume.outdated ? volume.state + ", outdated" : volume.state; }

void add_volume(Table& table, const Output& output, const Volume& volume, bool with_revisions) {
    table.add({volume.id.str(), volume.kind, state_text(volume), output.size({volume.size}), output.size({volume.usage}),
               std::to_string(volume.revision_count), volume.source});
    if (!with_revisions) return;
    for (const auto& revision : volume.revisions)
        table.add({volume.id.str() + "@" + revision.name, "revision", revision.pinned ? "pinned" : "", output.size({revision.size}),
                   output.size({revision.usage}), "", ""});
}

// Volumes under their VMs; a pool or a VM has a line of its own only when there is nothing in it.
std::string text_of(const Output& output, const Listing& listing, bool with_revisions) {
    Table table({{"NAME"}, {"KIND"}, {"STATE"}, {"SIZE", Align::Right}, {"USED", Align::Right}, {"REVISIONS", Align::Right}, {"SOURCE"}});
    std::set<std::string> inhabited;  // pools with VMs, VMs with volumes
    for (const auto& vm : listing.vms) inhabited.insert(vm.pool.str());
    for (const auto& volume : listing.volumes) inhabited.insert(VmReference{volume.id.pool, volume.id.vm}.str());
    for (const auto& pool : listing.pools)
        if (!inhabited.contains(pool.str())) table.add({pool.str(), "pool"});
    for (const auto& vm : listing.vms)
        if (!inhabited.contains(vm.str())) table.add({vm.str(), "vm"});
    for (const auto& volume : listing.volumes) add_volume(table, output, volume, with_revisions);
    return table.text();
}

class Ls final : public Command {
public:
    explicit Ls(CLI::App& app) {
        app.footer(
            "Examples:\n  varve ls\n  varve ls -r fast/work\n  varve ls /varve/pools/fast\n  varve --json ls | jq -r '.volumes[] | "
            "select(.state == \"dirty\") | .vm'");
        app.add_option("TARGET", target_, "POOL[/VM[/VOLUME]] or a path inside the mount (default: everything)")->type_name("");
        app.add_flag("-r,--revisions", with_revisions_,
                     "One line for each revision, too (always, for a single volume); varve revisions tells more");
    }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        if (!target_.empty()) reference_ = TRY(resolver.resolve(target_));
        return {};
    }

    ExitCode run(const Context& context) override {
        const bool with_revisions = with_revisions_ || context.output.json();
        const auto listing =
            reference_ ? list_below(context.mount, *reference_, with_revisions) : list_everything(context.mount, with_revisions);
        if (!listing) return context.output.failure(listing.error());
        context.output.object(listing_object(*listing));
        const bool one_volume = reference_ && std::holds_alternative<StateReference>(*reference_);
        context.output.text(text_of(context.output, *listing, with_revisions_ || one_volume));
        for (const auto& failure : listing->failures) (void)context.output.failure(failure);
        return listing->failures.empty() ? ExitCode::Ok : ExitCode::Failed;
    }

private:
    std::string target_;
    bool with_revisions_ = false;
    std::optional<Reference> reference_;
};

}  // namespace

Subcommand add_ls(CLI::App& parent) {
    auto* app = parent.add_subcommand("ls", "List pools, VMs and volumes");
    app->fallthrough();
    return {app, std::make_unique<Ls>(*app)};
}

}  // namespace varve::cli
