// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/disposables.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

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
                         std::optional<VmName> systems_default, Report report)
    : store_(store),
      machines_(machines),
      places_(places),
      systems_default_(std::move(systems_default)),
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

Result<VmName> Disposables::template_for(const disposables::Wanted& wanted) const {
    return disposables::template_for(wanted, std::nullopt, store_.snapshot(), systems_default_);
}

Result<VmName> Disposables::define(const VmName& template_vm) {
    const auto definition = TRY(store_.find(template_vm));
    const std::scoped_lock lock(ids_mutex_);
    const auto name = TRY(ids_.allocate([&](const VmName& taken) { return store_.find(taken).has_value(); }));
    TRY(store_.create(TRY(disposables::disposable_of(definition, name, true))));
    return name;
}

Result<> Disposables::make_volumes(const VmName& name, const VmName& template_vm) {
    const auto definition = TRY(store_.find(name));
    std::vector<disposables::TemplateVolume> volumes;
    volumes.reserve(definition.volumes.size());
    for (const auto& use : definition.volumes) volumes.push_back(TRY(places_.look(template_vm, use)));
    for (const auto& volume : disposables::volumes_of(template_vm, volumes)) TRY(places_.create(name, volume));
    return {};
}

Result<vm::StartReport> Disposables::start(const VmName& template_vm, const vm::StageListener& listener) {
    // Its definition comes first: whatever happens from here on, the sweep finds it.
    const auto name = TRY(define(template_vm));
    auto made = make_volumes(name, template_vm);
    auto started = made ? machines_.start(name, listener) : Result<vm::StartReport>(base::Failure(std::move(made).error()));
    if (!started) ended(name);
    return started;
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

void Disposables::ended(const VmName& vm) {
    if (is_unnamed(vm)) asio::post(remover_, [this, vm] { remove(vm, removal_tries); });
}

void Disposables::remove(const VmName& vm, int tries_left) {
    const auto info = machines_.info(vm);
    if (!info || info->state != vm::VmState::Halted) return;  // removed already, or it runs
    const auto removed = machines_.remove(vm);
    if (removed || removed.error().code == Errc::NotFound) return;
    if (removed.error().code != Errc::Busy || tries_left == 0) return report_(vm, removed.error());
    auto timer = std::make_shared<asio::steady_timer>(remover_.get_executor(), between_tries);
    timer->async_wait([this, vm, tries_left, timer](boost::system::error_code) { remove(vm, tries_left - 1); });
}

}  // namespace varve::service
