// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/vm_commands.h"

#include "fs/control/parallel.h"
#include "fs/control/volume_changes.h"
#include "fs/control/volume_commands.h"
#include "fs/engine/open_pool.h"
#include "fs/protocol/names.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace varve::control {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using engine::VmPtr;
using engine::VolumeRef;
using engine::Volumes;
namespace field = protocol::field;
namespace verb = protocol::verb;

std::string full_name(const engine::Vm& vm) { return vm.pool().name().str() + "/" + vm.name().str(); }

template <class Condition>
std::vector<VolumeRef> volumes_where(const VmPtr& vm, Condition condition) {
    std::vector<VolumeRef> found;
    for (const auto all = vm->view(); const auto& [name, view] : all->volumes)
        if (condition(*view)) found.push_back({vm, name});
    return found;
}

// ---- the same command for several volumes

using Outcome = Result<Json>;
using Run = Outcome (*)(Volumes&, const VolumeRef&);

std::vector<Outcome> run_all(Volumes& volumes, const std::vector<VolumeRef>& on, Run run) {
    std::vector<Outcome> outcomes(on.size());
    for_each_parallel(on.size(), [&](std::size_t i) { outcomes[i] = run(volumes, on[i]); });
    return outcomes;
}

void report(Json& reply, std::string_view command, const VolumeRef& volume, const Outcome& outcome) {
    reply[std::string(field::volumes)].push_back(outcome_object(command, {field::volume, volume.id().str()}, outcome));
}

// The first failure, with how many there are beside it.
Result<> summary(const std::vector<VolumeRef>& on, const std::vector<Outcome>& outcomes) {
    const auto failures = std::ranges::count_if(outcomes, [](const Outcome& outcome) { return !outcome; });
    for (std::size_t i = 0; i < on.size(); ++i) {
        if (outcomes[i]) continue;
        auto error = base::with_context(outcomes[i].error(), on[i].id().str());
        if (failures > 1) error.context += " (and " + std::to_string(failures - 1) + " more of the VM's volumes failed)";
        return base::Failure(std::move(error));
    }
    return {};
}

Result<> end_sessions(Volumes& volumes, const VmPtr& vm, Run run, std::string_view command, Json& reply) {
    const auto on = volumes_where(vm, [](const api::VolumeView& view) { return view.session.has_value(); });
    const auto outcomes = run_all(volumes, on, run);
    for (std::size_t i = 0; i < on.size(); ++i) report(reply, command, on[i], outcomes[i]);
    return summary(on, outcomes);
}

Result<> stop(Volumes& volumes, const VmPtr& vm, Arguments /*none*/, Json& reply) {
    return end_sessions(volumes, vm, stop_volume, verb::stop, reply);
}

// What runs without a snapshot layer is its state already.
Result<> commit(Volumes& volumes, const VmPtr& vm, Arguments /*none*/, Json& reply) {
    const auto on = volumes_where(vm, [](const api::VolumeView& view) {
        return view.session && !view.session->no_snapshot_layer && api::saves_on_stop(view.config.kind);
    });
    if (on.empty()) return fail(Errc::InvalidArgument, full_name(*vm) + " has no started volume whose writes are kept");
    const auto outcomes = run_all(volumes, on, commit_volume);
    for (std::size_t i = 0; i < on.size(); ++i) report(reply, verb::commit, on[i], outcomes[i]);
    return summary(on, outcomes);
}

Result<> discard(Volumes& volumes, const VmPtr& vm, Arguments /*none*/, Json& reply) {
    return end_sessions(volumes, vm, discard_volume, verb::discard, reply);
}

// ---- start

// Ends a session that nobody has used: without a snapshot layer there is nothing to drop, and stop makes no new state.
Outcome undo_start(Volumes& volumes, const VolumeRef& volume) {
    const auto view = volume.view();
    const bool layerless = view && view->session && view->session->no_snapshot_layer;
    TRY(volumes.stop(volume, layerless ? api::Stop::Outcome::Commit : api::Stop::Outcome::Discard));
    return Json::object();
}

struct Starts {
    std::vector<VolumeRef> on;
    std::vector<Outcome> outcomes;

    void run(Volumes& volumes, std::vector<VolumeRef> which) {
        outcomes = run_all(volumes, which, start_volume);
        on = std::move(which);
    }
    void report_to(Json& reply, bool failures_only) const {
        for (std::size_t i = 0; i < on.size(); ++i)
            if (!failures_only || !outcomes[i]) report(reply, verb::start, on[i], outcomes[i]);
    }
    [[nodiscard]] std::vector<VolumeRef> started() const {
        std::vector<VolumeRef> all;
        for (std::size_t i = 0; i < on.size(); ++i)
            if (outcomes[i]) all.push_back(on[i]);
        return all;
    }
};

Result<> undo(Volumes& volumes, const Starts& clean, Result<> why) {
    const auto started = clean.started();
    auto uninterrupted = volumes.interruptible({});
    if (const auto undone = summary(started, run_all(uninterrupted, started, undo_start)); !undone)
        why.error().context += "; and what had been started could not be stopped: " + undone.error().message();
    return why;
}

// Dirty volumes are continued last: what their VM wrote cannot be told from what it may write from then on, so continuing is not undone.
Result<> start(Volumes& volumes, const VmPtr& vm, Arguments /*none*/, Json& reply) {
    using Phase = api::Session::Phase;
    const auto running =
        volumes_where(vm, [](const api::VolumeView& view) { return view.session && view.session->phase == Phase::Started; });
    if (!running.empty())
        return fail(Errc::Busy,
                    full_name(*vm) + " runs: its volume " + running.front().volume.str() + " is started already; nothing was started");

    Starts clean;
    clean.run(volumes, volumes_where(vm, [](const api::VolumeView& view) {
                  const bool removed = api::saves_on_stop(view.config.kind) && !view.committed && !view.revisions.empty();
                  return !view.session && !removed;
              }));
    if (auto failed = summary(clean.on, clean.outcomes); !failed) {
        clean.report_to(reply, true);
        return undo(volumes, clean, std::move(failed));
    }
    Starts dirty;
    dirty.run(volumes, volumes_where(vm, [](const api::VolumeView& view) { return view.session && view.session->phase == Phase::Dirty; }));
    if (auto failed = summary(dirty.on, dirty.outcomes); !failed) {
        dirty.report_to(reply, false);
        return undo(volumes, clean, std::move(failed));
    }
    clean.report_to(reply, false);
    dirty.report_to(reply, false);
    return {};
}

// ---- the others

Result<> verify(Volumes& /*volumes*/, const VmPtr& vm, Arguments /*none*/, Json& reply) {
    reply[std::string(field::result)] = findings_object(TRY(vm->pool().driver().verify(vm->name())));
    return {};
}

Result<api::VolumeConfig> parse_config(const VolumeRef& volume, std::string_view kind, const std::string& origin) {
    api::VolumeConfig config;
    if (kind == protocol::kind::volatile_volume) {
        config.kind = api::Volatile{};
        config.size = TRY(base::parse_bytes(origin));
    } else if (kind == protocol::kind::origin) {
        config.kind = api::Origin{};
        config.size = TRY(base::parse_bytes(origin));
    } else if (kind == protocol::kind::snapshot) {
        config.kind = api::Snapshot{TRY(parse_source(origin, volume))};
    } else if (kind == protocol::kind::origin_snapshot) {
        config.kind = api::OriginSnapshot{TRY(parse_source(origin, volume))};
    } else {
        return fail(Errc::InvalidArgument,
                    "there is no kind '" + std::string(kind.substr(0, 40)) + "'; known are volatile, snapshot, origin, origin_snapshot");
    }
    return config;
}

Result<> create(Volumes& volumes, const VmPtr& vm, Arguments arguments, Json& reply) {
    if (arguments[0] == protocol::vm_file::ctl)
        return fail(Errc::InvalidName, "a volume cannot be named ctl: in the control tree that is the file for commands");
    auto name = TRY(base::VolumeName::parse(arguments[0]));
    const VolumeRef volume{vm, std::move(name)};
    const auto with_settings = TRY(parse_settings(arguments.subspan(3)));
    TRY(volumes.create(volume, TRY(with_settings(TRY(parse_config(volume, arguments[1], arguments[2]))))));
    report(reply, verb::create, volume, Json::object());
    return {};
}

constexpr std::array the_vm_commands{
    VmCommand{{verb::start, "", 0, 0}, start},
    VmCommand{{verb::stop, "", 0, 0}, stop},
    VmCommand{{verb::commit, "", 0, 0}, commit},
    VmCommand{{verb::discard, "", 0, 0}, discard},
    VmCommand{{verb::verify, "", 0, 0}, verify},
    VmCommand{{verb::create, "NAME KIND SIZE|SOURCE [SETTING=VALUE ...]", 3, any_number}, create},
};

}  // namespace

std::span<const VmCommand> vm_commands() { return the_vm_commands; }

}  // namespace varve::control
