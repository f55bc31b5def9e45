// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/mount_client/tables.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>

namespace varve::cli {
namespace {

using base::Result;
using mount_client::VolumeUsage;
using nlohmann::json;

struct Sum {
    std::uint64_t size = 0;
    std::uint64_t usage = 0;
    std::uint64_t exclusive = 0;
    std::uint64_t prunable = 0;
    std::size_t revisions = 0;

    void add(const VolumeUsage& volume) {
        size += volume.size;
        usage += volume.usage;
        exclusive += volume.exclusive();
        prunable += volume.prunable();
        revisions += volume.revisions.size();
    }
    // A running volume's image may take less than its states hold by the time it is looked at.
    [[nodiscard]] std::uint64_t shared() const { return usage > exclusive ? usage - exclusive : 0; }
};

Sum sum_of(const VolumeUsage& volume) {
    Sum sum;
    sum.add(volume);
    return sum;
}

json sum_object(const Sum& sum) {
    return {{"size", sum.size},       {"usage", sum.usage},       {"exclusive", sum.exclusive},
            {"shared", sum.shared()}, {"prunable", sum.prunable}, {"revisions", sum.revisions}};
}

// What a revision shares with other states; of the others it is not known what they take alone.
std::optional<std::uint64_t> shared_of(const VolumeUsage& volume, const VolumeUsage::State& state) {
    const auto* revision = state.revision.empty() ? nullptr : volume.find(state.revision);
    if (revision == nullptr) return std::nullopt;
    return revision->usage > state.exclusive ? revision->usage - state.exclusive : 0;
}

json usage_object(const VolumeUsage& volume) {
    auto object = sum_object(sum_of(volume));
    object["volume"] = volume.volume.str();
    object["states"] = json::array();
    for (const auto& state : volume.states) {
        const auto shared = shared_of(volume, state);
        object["states"].push_back({{"state", state.state},
                                    {"revision", state.revision.empty() ? json(nullptr) : json(state.revision)},
                                    {"exclusive", state.exclusive},
                                    {"shared", shared ? json(*shared) : json(nullptr)}});
    }
    return object;
}

class Usage final : public Command {
public:
    explicit Usage(CLI::App& app) {
        app.footer(
            "USED counts every state fully, EXCLUSIVE only what no other state has: removing the volume frees at least that. SHARED is the "
            "rest.\n"
            "PRUNABLE is what the next prune frees at least; varve prune --dry-run says which revisions go.\n\n"
            "Examples:\n  varve usage\n  varve usage --revisions fast/work/root\n  varve usage --vms fast\n"
            "  varve --json usage | jq '.volumes | sort_by(-.exclusive)[:10] | .[].volume'");
        app.add_option("TARGET", target_, "POOL[/VM[/VOLUME]] or a path inside the mount (default: everything)")->type_name("");
        auto* revisions = app.add_flag("-r,--revisions", with_states_, "One line for each state, too");
        app.add_flag("--vms", by_vm_, "One line for each VM in a pool instead of each volume")->excludes(revisions);
    }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        if (!target_.empty()) reference_ = TRY(resolver.resolve(target_));
        return {};
    }

    ExitCode run(const Context& context) override {
        auto code = ExitCode::Ok;
        const auto fail_with = [&](const base::Error& error) { code = context.output.failure(error); };
        std::vector<VolumeUsage> volumes;
        if (const auto done = collect(context.mount, volumes, fail_with); !done) return context.output.failure(done.error());
        show(context.output, volumes);
        return code;
    }

private:
    using Report = std::function<void(const base::Error&)>;

    Result<> collect(const mount_client::Mount& mount, std::vector<VolumeUsage>& volumes, const Report& fail_with) const {
        if (!reference_)
            for (const auto& pool : TRY(mount_client::pools(mount))) TRY(collect_pool(mount, pool, volumes, fail_with));
        else if (const auto* pool = std::get_if<mount_client::PoolReference>(&*reference_))
            TRY(collect_pool(mount, pool->pool, volumes, fail_with));
        else
            TRY(collect_each(mount, *reference_, volumes, fail_with));
        return {};
    }

    Result<> collect_pool(const mount_client::Mount& mount, const base::PoolName& pool, std::vector<VolumeUsage>& volumes,
                          const Report& fail_with) const {
        auto table = TRY(mount_client::usage_table(mount, pool));
        if (!table) return collect_each(mount, mount_client::PoolReference{pool}, volumes, fail_with);
        std::ranges::move(table->volumes, std::back_inserter(volumes));
        std::ranges::for_each(table->failures, fail_with);
        return {};
    }

    Result<> collect_each(const mount_client::Mount& mount, const mount_client::Reference& below, std::vector<VolumeUsage>& volumes,
                          const Report& fail_with) const {
        const bool named = std::holds_alternative<mount_client::StateReference>(below);
        auto wanted = mount_client::volumes_below(mount, below);
        if (!wanted && !reference_ && wanted.error().code == base::Errc::NotFound) return {};  // the pool vanished since it was listed
        for (const auto& volume : TRY(std::move(wanted))) {
            auto usage = mount_client::read_usage(mount, volume);
            if (usage)
                volumes.push_back(*std::move(usage));
            else if (named || usage.error().code != base::Errc::NotFound)
                fail_with(usage.error());
        }
        return {};
    }

    void show(const Output& output, const std::vector<VolumeUsage>& volumes) const {
        Table table({{"NAME"},
                     {"SIZE", Align::Right},
                     {"USED", Align::Right},
                     {"EXCLUSIVE", Align::Right},
                     {"SHARED", Align::Right},
                     {"PRUNABLE", Align::Right},
                     {"REVISIONS", Align::Right}});
        const auto add = [&](const std::string& name, const Sum& sum) {
            table.add({name, output.size({sum.size}), output.size({sum.usage}), output.size({sum.exclusive}), output.size({sum.shared()}),
                       output.size({sum.prunable}), std::to_string(sum.revisions)});
        };
        auto objects = json::array();
        std::map<std::string, Sum> vms;
        Sum total;
        for (const auto& volume : volumes) {
            objects.push_back(usage_object(volume));
            total.add(volume);
            vms[volume.volume.pool.str() + "/" + volume.volume.vm.str()].add(volume);
            if (by_vm_) continue;
            add(volume.volume.str(), sum_of(volume));
            if (with_states_) add_states(table, output, volume);
        }
        if (by_vm_)
            for (const auto& [name, sum] : vms) add(name, sum);
        if (volumes.size() != 1) add("total", total);
        output.object({{"volumes", std::move(objects)}, {"total", sum_object(total)}});
        output.text(table.text());
    }

    static void add_states(Table& table, const Output& output, const VolumeUsage& volume) {
        for (const auto& state : volume.states) {
            const auto* revision = state.revision.empty() ? nullptr : volume.find(state.revision);
            const auto shared = shared_of(volume, state);
            table.add({"  " + (state.revision.empty() ? state.state : "@" + state.revision),
                       revision != nullptr ? output.size({revision->size}) : "", revision != nullptr ? output.size({revision->usage}) : "",
                       output.size({state.exclusive}), shared ? output.size({*shared}) : "",
                       revision != nullptr && revision->kept.empty() ? output.size({state.exclusive}) : "", ""});
        }
    }

    std::string target_;
    bool with_states_ = false;
    bool by_vm_ = false;
    std::optional<mount_client::Reference> reference_;
};

}  // namespace

Subcommand add_usage(CLI::App& parent) {
    auto* app = parent.add_subcommand("usage", "Show what storage is used for, and what could be freed");
    app->fallthrough();
    return {app, std::make_unique<Usage>(*app)};
}

}  // namespace varve::cli
