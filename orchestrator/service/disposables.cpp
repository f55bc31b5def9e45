// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/disposables.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <future>
#include <utility>

namespace varve::service {

namespace asio = boost::asio;
using base::Errc;
using base::Result;
using base::VmName;

namespace {

// A VM that has just ended is busy until its volumes have stopped.
constexpr int removal_tries = 100;
constexpr std::chrono::milliseconds between_tries{200};

}  // namespace

Disposables::Disposables(definitions::DefinitionStore& store, vm::Machines& machines, Places& places, disposables::Ids ids,
                         std::optional<VmName> systems_default, Requesters& requesters, Report report)
    : store_(store),
      machines_(machines),
      places_(places),
      systems_default_(std::move(systems_default)),
      requesters_(requesters),
      report_(std::move(report)),
      ids_(std::move(ids)),
      subscription_(machines.subscribe([this](const vm::VmEvent& event) {
          if (event.state == vm::VmState::Halted) ended(event.vm);
      })) {}

Disposables::~Disposables() {
    subscription_.reset();
    remover_.stop();
    remover_.join();
}

void Disposables::set_default(std::optional<VmName> systems_default) {
    const std::scoped_lock lock(default_mutex_);
    systems_default_ = std::move(systems_default);
}

Result<VmName> Disposables::template_for(const disposables::Wanted& wanted, const std::optional<VmName>& caller) const {
    const auto all = store_.snapshot();
    const std::scoped_lock lock(default_mutex_);
    return disposables::template_for(wanted, caller, all, systems_default_);
}

Result<VmName> Disposables::reserve_name() {
    const std::scoped_lock lock(ids_mutex_);
    return ids_.allocate([&](const VmName& taken) { return store_.find(taken).has_value(); });
}

Result<Disposables::Volumes> Disposables::volumes_of(const VmName& template_vm) const {
    const auto definition = TRY(store_.find(template_vm));
    std::vector<disposables::TemplateVolume> volumes;
    volumes.reserve(definition.volumes.size());
    for (const auto& use : definition.volumes) volumes.push_back(TRY(places_.look(template_vm, use)));
    return disposables::volumes_of(template_vm, volumes);
}

Result<> Disposables::make(const VmName& name, const VmName& template_vm) { return make(name, template_vm, TRY(volumes_of(template_vm))); }

Result<> Disposables::make(const VmName& name, const VmName& template_vm, const Volumes& volumes) {
    // Its definition comes first: whatever happens from here on, the sweep finds it.
    TRY(store_.create(TRY(disposables::disposable_of(TRY(store_.find(template_vm)), name, true))));
    for (const auto& volume : volumes) TRY(places_.create(name, volume));
    return {};
}

Result<preloading::Origin> Disposables::look(const VmName& template_vm) {
    preloading::Origin origin;
    const auto volumes = TRY(volumes_of(template_vm));
    for (const auto& volume : volumes) {
        // A change of its own may be a change of what it starts from.
        origin.volumes.insert({volume.pool, template_vm, volume.volume});
        origin.content.append(volume.pool.str()).append("/").append(volume.volume.str()).append(": ");
        if (const auto* from = std::get_if<disposables::StartsFrom>(&volume.kind)) {
            const base::VolumeId source{volume.pool, from->source.volume.vm, from->source.volume.volume};
            origin.volumes.insert(source);
            const auto identity = TRY(places_.identity(source, from->source.revision));
            origin.content.append(source.str()).append(" ").append(identity);
        } else {
            origin.content += std::to_string(std::get<disposables::EmptyAtStart>(volume.kind).size.count);
        }
        origin.content += "\n";
    }
    return origin;
}

void Disposables::give(const VmName& vm, uid_t requester) {
    if (const auto definition = store_.find(vm)) requesters_.remember(*definition, requester);
}

void Disposables::keep_requester(const VmName& vm) {
    // It runs, and is his until the orchestrator ends.
    if (const auto saved = requesters_.save(vm); !saved) report_(vm, saved.error());
}

Result<vm::StartReport> Disposables::start(const VmName& template_vm, uid_t requester, const vm::StageListener& listener) {
    // First: without the mount, say, each try would take a name for a week.
    const auto volumes = TRY(volumes_of(template_vm));
    const auto name = TRY(reserve_name());
    auto made = make(name, template_vm, volumes);
    // Before its start: he is told of that.
    give(name, requester);
    keep_requester(name);
    auto started = made ? machines_.start(name, listener) : Result<vm::StartReport>(base::Failure(std::move(made).error()));
    if (!started) ended(name);
    return started;
}

// In the remover's thread, like all removals: no two of them meet.
Result<> Disposables::end(const VmName& vm) {
    const auto outcome = std::make_shared<std::promise<Result<>>>();
    auto waiting = outcome->get_future();
    asio::post(remover_, [this, vm, outcome] { outcome->set_value(end_now(vm)); });
    return waiting.get();
}

Result<> Disposables::end_now(const VmName& vm) {
    const auto info = machines_.info(vm);
    if (!info && info.error().code == Errc::NotFound) return {};
    if (info && (info->state == vm::VmState::Running || info->state == vm::VmState::Paused)) (void)TRY(machines_.kill(vm, {}));
    return remove_now(vm);
}

// Somebody else may have removed it meanwhile.
Result<> Disposables::remove_now(const VmName& vm) {
    auto removed = machines_.remove(vm);
    if (!removed && store_.find(vm)) return removed;
    requesters_.forget(vm);
    return {};
}

bool Disposables::is_unnamed(const VmName& vm) const {
    const auto definition = store_.find(vm);
    const auto* disposable = definition ? std::get_if<definitions::DisposableVm>(&definition->vm_class) : nullptr;
    return disposable != nullptr && disposable->auto_cleanup;
}

void Disposables::sweep() {
    for (const auto& info : machines_.list())
        if (info.state == vm::VmState::Halted) ended(info.name);
}

void Disposables::mount_came() {
    asio::post(remover_, [this] {
        for (const auto& vm : std::exchange(left_, {})) remove(vm, removal_tries);
    });
}

void Disposables::ended(const VmName& vm) {
    if (is_unnamed(vm)) asio::post(remover_, [this, vm] { remove(vm, removal_tries); });
}

void Disposables::remove(const VmName& vm, int tries_left) {
    const auto info = machines_.info(vm);
    if (!info || info->state != vm::VmState::Halted) return;  // removed already, or it runs
    const auto removed = remove_now(vm);
    if (removed) return;
    if (removed.error().code != Errc::Busy || tries_left == 0) {
        left_.insert(vm);
        return report_(vm, base::with_context(removed.error(), "cannot be removed"));
    }
    auto timer = std::make_shared<asio::steady_timer>(remover_.get_executor(), between_tries);
    timer->async_wait([this, vm, tries_left, timer](boost::system::error_code) { remove(vm, tries_left - 1); });
}

}  // namespace varve::service
