// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/objects.h"
#include "orchestrator/cli/revision_text.h"
#include "orchestrator/cli/sheet.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/cli/targets.h"
#include "orchestrator/cli/terminal_text.h"
#include "orchestrator/mount_client/volume_settings.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <optional>

namespace varve::cli {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using mount_client::Mount;
using mount_client::PoolReference;
using mount_client::VolumeRetention;
using nlohmann::json;
namespace pool_file = protocol::pool_file;
namespace volume_file = protocol::volume_file;

constexpr std::int64_t no_snapshot_layer = -1;
constexpr std::string_view as_the_pool = "pool";  // what to give for a volume's own schedule to end

std::string text_of(const Output& output, const VolumeRetention& retention) {
    auto text = sheet({{"Volume", retention.volume.str()},
                       {"Revisions to keep", std::to_string(retention.revisions_to_keep)},
                       {"Schedule", retention.schedule},
                       {"Prune below", retention.prune_below}});
    if (retention.revisions.empty()) return text;
    Table table({{"REVISION"}, {"WRITTEN"}, {"USED", Align::Right}, {"KEPT FOR"}});
    for (const auto& revision : retention.revisions)
        table.add({revision.name, revision.modified, output.size({revision.usage}),
                   reasons_to_keep(revision) + (revision.goes_when_short ? ", goes when space is short" : "")});
    return text + table.text();
}

// The options that change something.
struct Change {
    std::optional<std::int64_t> keep;
    std::optional<std::string> schedule;
    [[nodiscard]] bool wanted() const { return keep || schedule; }
};

std::vector<std::string> settings_of(const Change& change) {
    std::vector<std::string> settings;
    if (change.keep) settings.push_back(mount_client::setting(volume_file::revisions_to_keep, std::to_string(*change.keep)));
    if (change.schedule)
        settings.push_back(mount_client::setting(volume_file::schedule, *change.schedule == as_the_pool ? "" : *change.schedule));
    return settings;
}

// Of a pool's new values, what holds for a volume that has none of its own.
Change inherited_by(const mount_client::VolumeConfiguration& volume, const Change& change) {
    Change inherited;
    if (!volume.own_revisions_to_keep) inherited.keep = change.keep;
    if (!volume.own_schedule) inherited.schedule = change.schedule;
    return inherited;
}

// As varvefs would refuse it.
Result<> check_pool(const mount_client::Pool& pool, const Change& change) {
    if (change.keep && (*change.keep == no_snapshot_layer) != (pool.revisions_to_keep == no_snapshot_layer))
        return fail(Errc::InvalidArgument, "whether the volumes of pool " + pool.name.str() +
                                               " have a snapshot layer (revisions_to_keep -1) is decided in the configuration");
    return {};
}

// A pool's are two files, and only the second may be refused when the first was taken.
Result<> change_pool(const Mount& mount, const base::PoolName& pool, const Change& change) {
    const auto keep_file = mount_client::pool_control(pool, pool_file::revisions_to_keep);
    const auto schedule_file = mount_client::pool_control(pool, pool_file::schedule);
    if (!change.keep) return change.schedule ? mount.set_value(schedule_file, *change.schedule) : Result<>();
    const auto before = TRY(mount.value(keep_file));
    TRY(mount.set_value(keep_file, std::to_string(*change.keep)));
    auto scheduled = change.schedule ? mount.set_value(schedule_file, *change.schedule) : Result<>();
    if (!scheduled)
        if (const auto back = mount.set_value(keep_file, before); !back)
            scheduled.error().context += "; and revisions_to_keep could not be set back to " + before + ": " + back.error().message();
    return scheduled;
}

class Retention final : public Command {
public:
    explicit Retention(CLI::App& app) {
        app.footer(
            "Shows which revisions are kept and why, and changes what is kept; nothing is removed before the next stop, prune or run of "
            "the\n"
            "retention job. A schedule keeps, beside the newest, the newest of each of the last so many hours (h), days (d), weeks (w), "
            "months (m)\n"
            "and years (y) that have any. A pool's settings hold for volumes without their own, until varvefs reads its configuration "
            "again.\n\n"
            "Examples:\n  varve retention fast/work/private\n  varve retention fast/work --keep 3 --schedule \"24h 7d 4w 12m\"\n"
            "  varve retention fast/work/root --schedule pool        as its pool has it\n"
            "  varve retention fast --schedule none\n"
            "  varve retention --dry-run fast --schedule \"7d 12m\"     what would be kept, in all its volumes\n"
            "  varve prune --dry-run fast/work                       what would go now");
        app.add_option("TARGET", target_, "POOL, POOL/VM for all its volumes there, POOL/VM/VOLUME, or a path inside the mount")
            ->required()
            ->type_name("");
        app.add_option("--keep", change_.keep, "How many of the newest revisions to keep")->type_name("COUNT");
        app.add_option("--schedule", change_.schedule, "\"24h 7d 4w 12m 5y\", none, or pool")->type_name("SCHEDULE");
        app.add_flag("-n,--dry-run", dry_run_, "Show what would be kept with --keep and --schedule, and change nothing");
    }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        reference_ = TRY(tree_target(resolver, target_));
        if (const auto* pool = std::get_if<PoolReference>(&*reference_); pool != nullptr && change_.schedule == as_the_pool)
            return fail(Errc::InvalidArgument, pool->pool.str() + " is a pool itself; give a schedule such as \"24h 7d\", or none");
        if (change_.schedule && change_.schedule->empty())
            return fail(Errc::InvalidArgument, "--schedule is empty; give none to keep nothing by a schedule, or pool");
        if (change_.keep && *change_.keep < no_snapshot_layer)
            return fail(Errc::InvalidArgument,
                        "--keep " + std::to_string(*change_.keep) + " is less than -1, which means no snapshot layer");
        return {};
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    ExitCode run(const Context& context) override {
        if (const auto* pool = std::get_if<PoolReference>(&*reference_)) return run_pool(context, pool->pool);
        const auto volumes = mount_client::volumes_below(context.mount, reference_);
        if (!volumes) return context.output.failure(volumes.error());
        auto code = ExitCode::Ok;
        auto all = json::array();
        for (const auto& volume : *volumes) {
            const auto retention = run_volume(context, volume);
            if (retention) {
                context.output.text((all.empty() ? "" : "\n") + text_of(context.output, *retention));
                all.push_back(object_of(*retention));
                continue;
            }
            const auto one =
                context.output.failure(volumes->size() == 1 ? retention.error() : base::with_context(retention.error(), volume.str()));
            if (code == ExitCode::Ok) code = one;
            if (one == ExitCode::Interrupted) break;
        }
        json object{{"volumes", std::move(all)}};
        if (dry_run_) object["dry_run"] = true;
        context.output.object(object);
        return code;
    }

private:
    [[nodiscard]] Result<VolumeRetention> run_volume(const Context& context, const base::VolumeId& volume) const {
        if (!change_.wanted()) return mount_client::read_retention(context.mount, volume);
        if (dry_run_) return mount_client::foretell_retention(context.mount, volume, settings_of(change_));
        if (context.world.interrupted && context.world.interrupted())
            return fail(Errc::Interrupted, "interrupted before " + volume.str() + " was changed");
        TRY(mount_client::configure(context.mount, volume, settings_of(change_)));
        return mount_client::read_retention(context.mount, volume);
    }

    // Of the volumes that would keep something else.
    [[nodiscard]] Result<std::vector<VolumeRetention>> foretell_pool(const Mount& mount, mount_client::Pool& pool) const {
        TRY(check_pool(pool, change_));
        std::vector<VolumeRetention> all;
        for (const auto& volume : TRY(mount_client::volumes_below(mount, reference_))) {
            const auto inherited = inherited_by(TRY(mount_client::read_configuration(mount, volume)), change_);
            if (inherited.wanted()) all.push_back(TRY(mount_client::foretell_retention(mount, volume, settings_of(inherited))));
        }
        pool.revisions_to_keep = change_.keep.value_or(pool.revisions_to_keep);
        pool.schedule = change_.schedule.value_or(pool.schedule);
        return all;
    }

    [[nodiscard]] ExitCode run_pool(const Context& context, const base::PoolName& name) const {
        if (change_.wanted() && !dry_run_)
            if (const auto changed = change_pool(context.mount, name, change_); !changed) return context.output.failure(changed.error());
        auto pool = mount_client::read_pool(context.mount, name);
        if (!pool) return context.output.failure(pool.error());
        auto volumes = json::array();
        std::string text;
        if (change_.wanted() && dry_run_) {
            const auto foretold = foretell_pool(context.mount, *pool);
            if (!foretold) return context.output.failure(foretold.error());
            for (const auto& volume : *foretold) {
                text += "\n" + text_of(context.output, volume);
                volumes.push_back(object_of(volume));
            }
        }
        json object{{"pool", name.str()},
                    {"revisions_to_keep", pool->revisions_to_keep},
                    {"schedule", pool->schedule},
                    {"prune_below", prune_below_object(pool->prune_below)}};
        if (dry_run_) object.update({{"dry_run", true}, {"volumes", std::move(volumes)}});
        context.output.object(object);
        context.output.text(sheet({{"Pool", name.str()},
                                   {"Revisions to keep", std::to_string(pool->revisions_to_keep)},
                                   {"Schedule", pool->schedule},
                                   {"Prune below", pool->prune_below}}) +
                            text);
        return ExitCode::Ok;
    }

    std::string target_;
    std::optional<mount_client::Reference> reference_;
    Change change_;
    bool dry_run_ = false;
};

}  // namespace

Subcommand add_retention(CLI::App& parent) {
    auto* app = parent.add_subcommand("retention", "Show why revisions are kept, and change what is kept");
    app->fallthrough();
    return {app, std::make_unique<Retention>(*app)};
}

}  // namespace varve::cli
