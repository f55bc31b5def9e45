// SPDX-License-Identifier: LGPL-2.1-or-later
// VMs that change their state when they are told to, and note what they were told.
#pragma once

#include "orchestrator/definitions/store.h"
#include "orchestrator/hypervisor/listener_list.h"
#include "orchestrator/vm/machines.h"

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <set>

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
        if (const auto failing = broken.find(vm); failing != broken.end()) return failed(vm, vm::Stage::Create, failing->second, listener);
        if (listener) listener({vm, vm::Stage::Create, vm::StageEvent::What::Done, std::chrono::microseconds(7), ""});
        if (start_fails_late) {
            become(vm, vm::VmState::Halted);
            return base::fail(base::Errc::TimedOut, "the guest was never ready");
        }
        become(vm, vm::VmState::Running);
        if (after_start) std::exchange(after_start, {})();
        vm::StartReport report{vm, {{vm::Stage::Create, std::chrono::microseconds(7)}}, {}, {}};
        const auto definition = TRY(store_.find(vm));
        for (const auto& needed : definition.needs) {
            if (TRY(info(needed)).state != vm::VmState::Halted) continue;
            auto started = start(needed, listener);
            if (!started)
                return failed(vm, vm::Stage::Needs, vm.str() + " needs " + needed.str() + ", which could not be started", listener);
            report.needed.push_back(*std::move(started));
        }
        return report;
    }
    base::Result<vm::StopReport> stop(const base::VmName& vm, const vm::StopRequest& request, const vm::StageListener&) override {
        last_stop = request;
        if (before_stop) std::exchange(before_stop, {})();
        if (request.agree) TRY(request.agree());
        return end(vm, false);
    }
    base::Result<vm::StopReport> kill(const base::VmName& vm, const vm::StageListener&) override {
        if (before_kill) before_kill();
        return end(vm, true);
    }
    base::Result<> pause(const base::VmName& vm) override {
        if (pause_fails) return base::fail(base::Errc::Io, "it cannot be paused");
        TRY(move(vm, vm::VmState::Running, vm::VmState::Paused));
        if (after_pause) after_pause();
        return {};
    }
    base::Result<> resume(const base::VmName& vm) override {
        if (resume_fails) return base::fail(base::Errc::Io, "it cannot be resumed");
        return move(vm, vm::VmState::Paused, vm::VmState::Running);
    }
    base::Result<vm::CommitReport> commit(const base::VmName& vm) override {
        if (TRY(info(vm)).state != vm::VmState::Running) return base::fail(base::Errc::Busy, "'" + vm.str() + "' is halted");
        const base::VolumeId root{base::PoolName::parse("p").value(), vm, base::VolumeName::parse("root").value()};
        return vm::CommitReport{vm, true, "", {{root, true, "2026-01-02T03:04:05Z"}}};
    }
    base::Result<std::filesystem::path> console(const base::VmName&) const override {
        if (consoles.size() > 1) {
            auto first = consoles.front();
            consoles.pop_front();
            return first;
        }
        return consoles.front();
    }
    base::Result<> remove(const base::VmName& vm) override {
        if (!mount_is_there) return base::fail(base::Errc::Io, "no mount");
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
    base::Result<> set_networks(const base::VmName& vm, const std::vector<definitions::Interface>& interfaces) override {
        networks_at.emplace_back(vm.str(), TRY(info(vm)).state);
        if (networks_fail) return base::fail(base::Errc::TimedOut, "it does not let go");
        return store_.set_interfaces(vm, interfaces);
    }
    base::Result<> resize(const base::VolumeId& volume, base::Bytes size) override {
        last_resize = volume.str() + " " + std::to_string(size.count);
        return {};
    }
    std::unique_ptr<vm::VmSubscription> subscribe(std::function<void(const vm::VmEvent&)> listener) override {
        return Listeners::add(listeners_, std::move(listener));
    }
    std::unique_ptr<vm::VmSubscription> watch_guests(std::function<void(const vm::GuestEvent&)> listener) override {
        return Guests::add(guests_, std::move(listener));
    }
    base::Result<base::Bytes> free_memory(const base::VmName&, const std::set<base::VmName>& but) const override {
        const std::scoped_lock lock(mutex_);
        auto left = free;
        for (const auto& [vm, amount] : promised)
            if (!but.contains(vm)) left = left - amount;
        return left;
    }
    base::Result<vm::GuestMemory> memory(const base::VmName&) const override {
        if (!has) return base::fail(base::Errc::Unsupported, "it has no balloon");
        auto told = *has;
        if (lags && !asked_memory.empty() && has->now > asked_memory.back())
            has->now = std::max(asked_memory.back(), base::Bytes{has->now.count - lags->count});
        return told;
    }
    base::Result<> set_memory(const base::VmName&, base::Bytes wanted) override {
        asked_memory.push_back(wanted);
        if (has && !lags) has->now = wanted;
        return {};
    }

    // What happens by itself.
    void become(const base::VmName& vm, vm::VmState state) {
        {
            const std::scoped_lock lock(mutex_);
            states_[vm] = state;
        }
        listeners_->tell({vm, state, ""});
        if (state == vm::VmState::Running || state == vm::VmState::Paused) guests_->tell({vm, state == vm::VmState::Running});
    }

    bool start_fails = false;
    std::map<base::VmName, std::string> broken;  // why their starts fail
    bool start_fails_late = false;
    bool pause_fails = false;
    bool resume_fails = false;
    bool networks_fail = false;
    std::vector<std::pair<std::string, vm::VmState>> networks_at;  // who got networks, and how it was then
    std::function<void()> after_start;                             // the next one
    std::function<void()> after_pause;
    std::function<void()> before_kill;  // in the thread that kills
    std::function<void()> before_stop;  // once
    base::Bytes free{std::uint64_t{8} << 30};
    std::map<base::VmName, base::Bytes> promised;  // to starts
    mutable std::optional<vm::GuestMemory> has;    // every guest
    std::optional<base::Bytes> lags;               // it gives so much between two questions; absent: all at once
    std::vector<base::Bytes> asked_memory;
    std::atomic<int> removals_refused = 0;
    std::atomic<bool> mount_is_there = true;  // as removals see it
    vm::StopRequest last_stop;
    mutable std::deque<std::filesystem::path> consoles{"/dev/pts/7"};  // one for each question; the last one stays
    vm::AttachRequest last_attach;
    std::string last_resize;

private:
    // As the life cycle tells it.
    base::Failure failed(const base::VmName& vm, vm::Stage stage, const std::string& why, const vm::StageListener& listener) {
        if (listener) listener({vm, stage, vm::StageEvent::What::Failed, std::chrono::microseconds(7), why});
        become(vm, vm::VmState::Halted);
        return base::fail(base::Errc::Io, "starting " + vm.str() + " failed at the stage '" + std::string(name_of(stage)) + "': " + why);
    }
    base::Result<vm::StopReport> end(const base::VmName& vm, bool killed) {
        (void)TRY(store_.find(vm));
        become(vm, vm::VmState::Halted);
        return vm::StopReport{vm, killed, {}, {}};
    }
    base::Result<> move(const base::VmName& vm, vm::VmState from, vm::VmState to) {
        if (TRY(info(vm)).state != from) return base::fail(base::Errc::Busy, "'" + vm.str() + "' is in another state");
        become(vm, to);
        return {};
    }

    definitions::DefinitionStore& store_;
    using Listeners = hypervisor::ListenerList<vm::VmEvent, vm::VmSubscription>;
    using Guests = hypervisor::ListenerList<vm::GuestEvent, vm::VmSubscription>;
    const std::shared_ptr<Listeners> listeners_ = std::make_shared<Listeners>();
    const std::shared_ptr<Guests> guests_ = std::make_shared<Guests>();
    mutable std::mutex mutex_;
    std::map<base::VmName, vm::VmState> states_;  // under the mutex
};

}  // namespace varve::service::tests
