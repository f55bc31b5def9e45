// SPDX-License-Identifier: LGPL-2.1-or-later
// VMs that change their state when they are told to, and note what they were told.
#pragma once

#include "orchestrator/definitions/store.h"
#include "orchestrator/vm/machines.h"

#include <atomic>
#include <map>
#include <mutex>

namespace varve::service::tests {

class FakeMachines final : public vm::Machines {
public:
    explicit FakeMachines(definitions::DefinitionStore& store) : store_(store) {}

    std::vector<vm::VmInfo> list() const override {
        std::vector<vm::VmInfo> all;
        for (const auto& vm : store_.all()) all.push_back(info(vm.name).value());
        return all;
    }
    base::Result<vm::VmInfo> info(const base::VmName& vm) const override {
        (void)TRY(store_.find(vm));
        const std::scoped_lock lock(mutex_);
        const auto found = states_.find(vm);
        return vm::VmInfo{vm, found == states_.end() ? vm::VmState::Halted : found->second, std::nullopt, ""};
    }
    base::Result<std::vector<vm::DiskInfo>> disks(const base::VmName&) const override {
        return std::vector<vm::DiskInfo>{{definitions::TargetName::parse("vda").value(), "/varve/root", true}};
    }
    base::Result<vm::StartReport> start(const base::VmName& vm, const vm::StageListener& listener) override {
        if (start_fails) return base::fail(base::Errc::NoSpace, "no memory");
        if (TRY(info(vm)).state != vm::VmState::Halted) return base::fail(base::Errc::Busy, "'" + vm.str() + "' runs already");
        listener({vm, vm::Stage::Create, vm::StageEvent::What::Done, std::chrono::microseconds(7), ""});
        TRY(become(vm, vm::VmState::Running));
        return vm::StartReport{vm, {{vm::Stage::Create, std::chrono::microseconds(7)}}, {}, {}};
    }
    base::Result<vm::StopReport> stop(const base::VmName& vm, const vm::StopRequest& request, const vm::StageListener&) override {
        last_stop = request;
        return end(vm, false);
    }
    base::Result<vm::StopReport> kill(const base::VmName& vm, const vm::StageListener&) override { return end(vm, true); }
    base::Result<> pause(const base::VmName& vm) override { return become(vm, vm::VmState::Paused); }
    base::Result<> resume(const base::VmName& vm) override { return become(vm, vm::VmState::Running); }
    base::Result<std::filesystem::path> console(const base::VmName&) const override { return std::filesystem::path("/dev/pts/7"); }
    base::Result<> remove(const base::VmName& vm) override {
        if (removals_refused > 0) {
            --removals_refused;
            return base::fail(base::Errc::Busy, "its volumes stop");
        }
        return store_.remove(vm);
    }
    base::Result<> rename(const base::VmName& vm, const base::VmName& to) override { return store_.rename(vm, to); }
    base::Result<> clone(const base::VmName& vm, const base::VmName& to) override {
        (void)TRY(store_.clone(vm, to));
        return {};
    }
    base::Result<definitions::TargetName> attach(const base::VmName&, const vm::AttachRequest& request) override {
        last_attach = request;
        return definitions::TargetName::parse("vdx");
    }
    base::Result<> detach(const base::VmName&, const definitions::TargetName&) override { return {}; }
    base::Result<> resize(const base::VolumeId& volume, base::Bytes size) override {
        last_resize = volume.str() + " " + std::to_string(size.count);
        return {};
    }
    std::unique_ptr<vm::VmSubscription> subscribe(std::function<void(const vm::VmEvent&)> listener) override {
        listener_ = std::move(listener);
        return std::make_unique<vm::VmSubscription>();
    }

    bool start_fails = false;
    std::atomic<int> removals_refused = 0;
    vm::StopRequest last_stop;
    vm::AttachRequest last_attach;
    std::string last_resize;

private:
    base::Result<vm::StopReport> end(const base::VmName& vm, bool killed) {
        TRY(become(vm, vm::VmState::Halted));
        if (listener_) listener_({vm, vm::VmState::Halted, ""});
        return vm::StopReport{vm, killed, {}, {}};
    }
    base::Result<> become(const base::VmName& vm, vm::VmState state) {
        (void)TRY(store_.find(vm));
        const std::scoped_lock lock(mutex_);
        states_[vm] = state;
        return {};
    }

    definitions::DefinitionStore& store_;
    std::function<void(const vm::VmEvent&)> listener_;
    mutable std::mutex mutex_;
    std::map<base::VmName, vm::VmState> states_;  // under the mutex
};

}  // namespace varve::service::tests
