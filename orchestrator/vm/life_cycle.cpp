// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/life_cycle.h"

#include "drivers/base/overloaded.h"
#include "orchestrator/domain_xml/description.h"
#include "orchestrator/vm/board.h"
#include "orchestrator/vm/catch_up.h"
#include "orchestrator/vm/commit.h"
#include "orchestrator/vm/cut_off_remakes.h"
#include "orchestrator/vm/errands.h"
#include "orchestrator/vm/hot_plug.h"
#include "orchestrator/vm/needs.h"
#include "orchestrator/vm/networks.h"
#include "orchestrator/vm/remake.h"
#include "orchestrator/vm/start.h"
#include "orchestrator/vm/stop.h"

#include <set>
#include <utility>

namespace varve::vm {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VmName;
using definitions::VmDefinition;

// Events of all hypervisors and ends of domains are dealt with side by side: a commit may take long.
constexpr std::size_t work_threads = 4;

const std::set<VmState> with_guest{VmState::Running, VmState::Paused};

class TheLifeCycle final : public LifeCycle, private BoardWatcher {
public:
    TheLifeCycle(definitions::DefinitionStore& definitions, Storage& storage, SessionRecords& records, HypervisorMaker make,
                 XenStoreMaker open_xenstore, LifeCycleSettings settings)
        : settings_(std::move(settings)),
          hypervisors_(std::move(make), [this](const std::string& uri, const hypervisor::Event& event) { hear(uri, event); }),
          xen_keys_(std::move(open_xenstore)),
          world_{definitions, storage, records, hypervisors_, xen_keys_, memory_, settings_} {}

    ~TheLifeCycle() override { hypervisors_.quiet(); }
    TheLifeCycle(const TheLifeCycle&) = delete;
    TheLifeCycle& operator=(const TheLifeCycle&) = delete;

    // ---- what is known

    [[nodiscard]] std::vector<VmInfo> list() const override {
        std::vector<VmInfo> infos;
        for (const auto& vm : world_.definitions.all()) infos.push_back(board_.info(vm.name));
        return infos;
    }

    Result<VmInfo> info(const VmName& vm) const override {
        (void)TRY(world_.definitions.find(vm));
        return board_.info(vm);
    }

    Result<std::vector<DiskInfo>> disks(const VmName& vm) const override {
        const auto definition = TRY(world_.definitions.find(vm));
        std::vector<DiskInfo> found;
        const auto domain = board_.info(vm).domain;
        if (!domain) return found;
        const auto description = TRY(describe(definition, *domain));
        for (const auto& disk : description.disks) found.push_back({disk.target, disk.source, disk.read_only});
        return found;
    }

    Result<std::filesystem::path> console(const VmName& vm) const override {
        const auto definition = TRY(world_.definitions.find(vm));
        const auto domain = board_.info(vm).domain;
        if (!domain) return fail(Errc::NotFound, vm.str() + " has no console: it is not running");
        const auto description = TRY(describe(definition, *domain));
        if (!description.console) return fail(Errc::NotFound, vm.str() + " has no serial console");
        return *description.console;
    }

    // ---- start and stop

    Result<StartReport> start(const VmName& vm, const StageListener& listener) override {
        TRY(remakes_.finish_of(vm));
        const auto definition = TRY(world_.definitions.find(vm));
        StageRunner stages(vm, "starting " + vm.str(), listener);
        Claim* claimed = nullptr;
        std::unique_ptr<Claim> claim;
        std::optional<Start> starting;
        TRY(stages.run(Stage::Halted, [&]() -> Result<> {
            claim = TRY(board_.claim_halted(vm, "start", std::chrono::steady_clock::now() + settings_.patience));
            claimed = claim.get();
            starting.emplace(world_, definition, *claimed, stages);
            return starting->prepare();
        }));
        claim->set_state(VmState::Starting);
        claim->set_trouble({});
        StartReport report{vm, {}, {}, {}};
        auto outcome = stages.run(Stage::Needs, [&] { return needs_.start(definition, report.needed, listener); });
        if (outcome) outcome = starting->run();
        report.stages = stages.timings();
        report.findings = starting->findings();
        if (outcome) {
            claim->set_state(VmState::Running);
            return report;
        }
        auto error = std::move(outcome).error();
        claim->set_trouble(error.message());
        claim->set_state(starting->may_have_domain() ? VmState::Unknown : VmState::Halted, error.message());
        claim.reset();
        needs_.stop(vm, report.needed, listener);
        return base::Failure(std::move(error));
    }

    Result<StopReport> stop(const VmName& vm, const StopRequest& request, const StageListener& listener) override {
        const auto definition = TRY(world_.definitions.find(vm));
        const auto claim = TRY(board_.claim(vm, with_guest, "stop"));
        return stop_claimed(world_, definition, *claim, request, listener);
    }

    Result<StopReport> kill(const VmName& vm, const StageListener& listener) override {
        const auto definition = TRY(world_.definitions.find(vm));
        const auto claim = TRY(board_.claim(vm, with_guest, "kill"));
        return kill_claimed(world_, definition, *claim, listener);
    }

    Result<> pause(const VmName& vm) override {
        const auto definition = TRY(world_.definitions.find(vm));
        const auto claim = TRY(board_.claim(vm, {VmState::Running}, "pause"));
        TRY(TRY(world_.hypervisor_of(definition)).get().suspend(TRY(domain_of(*claim))));
        claim->set_state(VmState::Paused);
        return {};
    }

    Result<> resume(const VmName& vm) override {
        const auto definition = TRY(world_.definitions.find(vm));
        const auto claim = TRY(board_.claim(vm, {VmState::Paused}, "resume"));
        TRY(TRY(world_.hypervisor_of(definition)).get().resume(TRY(domain_of(*claim))));
        claim->set_trouble({});
        claim->set_state(VmState::Running);
        return {};
    }

    Result<CommitReport> commit(const VmName& vm) override {
        const auto definition = TRY(world_.definitions.find(vm));
        const auto claim = TRY(board_.claim(vm, with_guest, "commit"));
        return commit_running(world_, definition, TRY(domain_of(*claim)), board_.info(vm).state);
    }

    // ---- changes of what a VM is

    Result<> remove(const VmName& vm) override {
        TRY(remakes_.finish_of(vm));
        const auto definition = TRY(world_.definitions.find(vm));
        {
            const auto claim = TRY(board_.claim_halted(vm, "remove", std::chrono::steady_clock::now() + settings_.patience));
            TRY(remove_halted(world_, definition));
        }
        board_.forget(vm);
        return {};
    }

    Result<> rename(const VmName& vm, const VmName& to) override {
        TRY(remakes_.finish_of(vm));
        TRY(remakes_.finish_of(to));
        const auto definition = TRY(world_.definitions.find(vm));
        {
            const auto claim = TRY(board_.claim_halted(vm, "rename", std::chrono::steady_clock::now() + settings_.patience));
            const auto other = TRY(board_.claim(to, {VmState::Halted}, "rename to"));
            TRY(rename_halted(world_, definition, to));
        }
        board_.forget(vm);
        return {};
    }

    Result<> clone(const VmName& vm, const VmName& to) override {
        TRY(remakes_.finish_of(vm));
        TRY(remakes_.finish_of(to));
        const auto definition = TRY(world_.definitions.find(vm));
        const auto other = TRY(board_.claim(to, {VmState::Halted}, "clone to"));
        return clone_vm(world_, definition, to);
    }

    // ---- devices of running VMs

    Result<definitions::TargetName> attach(const VmName& vm, const AttachRequest& request) override {
        const auto definition = TRY(world_.definitions.find(vm));
        const auto claim = TRY(board_.claim(vm, with_guest, "attach a disk to"));
        const auto domain = TRY(domain_of(*claim));
        return attach_disk(world_, definition, domain, request);
    }

    Result<> detach(const VmName& vm, const definitions::TargetName& target) override {
        const auto definition = TRY(world_.definitions.find(vm));
        const auto claim = TRY(board_.claim(vm, with_guest, "detach a disk from"));
        const auto domain = TRY(domain_of(*claim));
        return detach_disk(world_, definition, domain, target);
    }

    Result<> set_networks(const VmName& vm, const std::vector<definitions::Interface>& interfaces) override {
        // Who resumed it may not have let go of it when that is heard of.
        const auto claim =
            TRY(board_.claim_after_others(vm, with_guest, "change the networks of", std::chrono::steady_clock::now() + settings_.patience));
        TRY(change_networks(world_, TRY(world_.definitions.find(vm)), TRY(domain_of(*claim)), interfaces));
        return world_.definitions.set_interfaces(vm, interfaces);
    }

    Result<> resize(const base::VolumeId& volume, base::Bytes size) override {
        TRY(world_.storage.resize(volume, size));
        const auto definition = world_.definitions.find(volume.vm);
        const auto domain = board_.info(volume.vm).domain;
        if (!definition || !domain) return {};
        return tell_new_size(world_, *definition, *domain, volume);
    }

    void storage_came() override {
        work_.post([this] { catch_up_.with_left_sessions(); });
    }

    void volume_grew(const base::VolumeId& volume) override {
        work_.post([this, volume] {
            const auto definition = world_.definitions.find(volume.vm);
            const auto domain = board_.info(volume.vm).domain;
            if (!definition || !domain) return;
            if (const auto told = tell_new_size(world_, *definition, *domain, volume); !told)
                board_.domain_trouble(*domain, "its guest does not know the new size of " + volume.str() + ": " + told.error().message());
        });
    }

    std::unique_ptr<VmSubscription> subscribe(std::function<void(const VmEvent&)> listener) override {
        return Listening::add(listening_, std::move(listener));
    }

    std::unique_ptr<VmSubscription> watch_guests(std::function<void(const GuestEvent&)> listener) override {
        return Watching::add(watching_, std::move(listener));
    }

    // ---- memory

    Result<base::Bytes> free_memory(const VmName& vm, const std::set<VmName>& but) const override {
        const auto definition = TRY(world_.definitions.find(vm));
        return world_.memory.free(world_.hypervisors.at(world_.uri_of(definition)), but);
    }

    Result<GuestMemory> memory(const VmName& vm) const override {
        const auto definition = TRY(world_.definitions.find(vm));
        const auto found = TRY(TRY(world_.hypervisor_of(definition)).get().memory(TRY(domain_of(vm))));
        return GuestMemory{found.now, found.used};
    }

    Result<> set_memory(const VmName& vm, base::Bytes memory) override {
        const auto definition = TRY(world_.definitions.find(vm));
        return TRY(world_.hypervisor_of(definition)).get().set_memory(TRY(domain_of(vm)), memory);
    }

    // ---- recovery

    std::shared_ptr<hypervisor::Hypervisor> hypervisor(const std::optional<definitions::HypervisorUri>& uri) override {
        return hypervisors_.look_at(uri ? uri->str() : settings_.default_hypervisor);
    }

    std::vector<Repaired> recover() override {
        auto all = remakes_.finish_all();
        std::set<std::string> uris{settings_.default_hypervisor};
        // Without the records nothing is repaired anywhere.
        for (const auto& [vm, uri] : world_.uris_of_all(world_.records.all().value_or(std::vector<SessionRecord>()))) uris.insert(uri);
        for (const auto& uri : uris) {
            (void)hypervisors_.at(uri);  // from here on its events are heard
            auto repaired = catch_up_.with_hypervisor(uri);
            all.insert(all.end(), std::make_move_iterator(repaired.begin()), std::make_move_iterator(repaired.end()));
        }
        return all;
    }

private:
    using Listening = hypervisor::ListenerList<VmEvent, VmSubscription>;
    using Watching = hypervisor::ListenerList<GuestEvent, VmSubscription>;

    static Result<definitions::Uuid> domain_of(const Claim& claim) {
        if (const auto domain = claim.domain()) return *domain;
        return fail(Errc::NotFound, claim.vm().str() + " has no domain any more");
    }

    [[nodiscard]] Result<definitions::Uuid> domain_of(const VmName& vm) const {
        if (const auto domain = board_.info(vm).domain) return *domain;
        return fail(Errc::NotFound, vm.str() + " has no domain: it is not running");
    }

    [[nodiscard]] Result<domain_xml::Description> describe(const VmDefinition& vm, const definitions::Uuid& domain) const {
        return domain_xml::read_description(TRY(TRY(world_.hypervisor_of(vm)).get().description(domain)));
    }

    // ---- events

    void hear(const std::string& uri, const hypervisor::Event& event) {
        std::visit(
            base::Overloaded{[](const hypervisor::DomainStarted&) {},
                             [&](const hypervisor::DomainPaused& paused) {
                                 board_.domain_paused(paused.domain, paused.by_disk_error ? "paused after an error of a disk" : "");
                                 guest_moved(paused.domain, false);
                             },
                             [&](const hypervisor::DomainResumed& resumed) {
                                 board_.domain_resumed(resumed.domain);
                                 guest_moved(resumed.domain, true);
                             },
                             [&](const hypervisor::DomainStopped& stopped) { board_.domain_stopped(stopped.domain); },
                             [&](const hypervisor::AgentChanged& agent) { board_.agent_changed(agent.domain, agent.connected); },
                             [&](const hypervisor::DiskError& error) {
                                 board_.domain_trouble(error.domain, "its disk '" + error.source + "' failed" +
                                                                         (error.no_space ? ": there is no space left" : ""));
                             },
                             [&](const hypervisor::Disconnected&) {},
                             [&](const hypervisor::Resynchronise&) { work_.post([this, uri] { (void)catch_up_.with_hypervisor(uri); }); }},
            event);
    }

    void guest_moved(const definitions::Uuid& domain, bool runs) {
        if (const auto vm = board_.vm_of(domain)) tell_guest({*vm, runs});
    }

    void tell_guest(const GuestEvent& event) {
        teller_.post([this, event] { watching_->tell(event); });
    }

    void changed(const VmEvent& event) override {
        teller_.post([this, event] { listening_->tell(event); });
    }

    void unattended(const VmName& vm) override {
        work_.post([this, vm] { attend_end(vm); });
    }

    // A guest shut down by itself, or its domain was taken from under it.
    void attend_end(const VmName& vm) {
        const auto claim = board_.claim_any(vm, std::chrono::steady_clock::now() + settings_.patience);
        if (!claim) return;  // whoever has it hears that the domain has gone
        if (!(*claim)->domain_gone() || !(*claim)->domain()) return;
        const auto definition = world_.definitions.find(vm);
        if (definition) (void)finish_stop(world_, **claim, "the guest shut down");  // what went wrong stands on the board
    }

    const LifeCycleSettings settings_;
    Hypervisors hypervisors_;
    XenKeys xen_keys_;
    MemoryPromises memory_;
    Surroundings world_;
    const std::shared_ptr<Listening> listening_ = std::make_shared<Listening>();
    const std::shared_ptr<Watching> watching_ = std::make_shared<Watching>();
    Board board_{*this};
    Needs needs_{world_, board_, *this};
    CutOffRemakes remakes_{world_, board_};
    CatchUp catch_up_{world_, board_, [this](const VmName& vm) { tell_guest({vm, true}); }};
    Errands teller_{1};           // tells listeners, in order
    Errands work_{work_threads};  // last: what it runs uses the others
};

}  // namespace

std::unique_ptr<LifeCycle> make_life_cycle(definitions::DefinitionStore& definitions, Storage& storage, SessionRecords& records,
                                           HypervisorMaker make, XenStoreMaker open_xenstore, LifeCycleSettings settings) {
    return std::make_unique<TheLifeCycle>(definitions, storage, records, std::move(make), std::move(open_xenstore), std::move(settings));
}

}  // namespace varve::vm
