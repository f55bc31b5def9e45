// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/commit.h"

#include <utility>

namespace varve::vm {
namespace {

using base::Errc;
using base::Result;
using namespace std::chrono_literals;

// For each answer of the agent. The file systems stand still as long as the volumes' commits take, too.
constexpr auto agent_deadline = 10s;

// Nothing but a domain that nobody looks after has no record.
Result<> note_frozen(const Surroundings& world, const base::VmName& vm, bool frozen) {
    auto record = TRY(world.records.find(vm));
    if (!record) return {};
    record->frozen = frozen;
    return world.records.put(*record);
}

// The guest's file systems, thawed again in any case: who did not answer in time, or whose answer was lost, may have frozen them, or do so later.
class Freeze {
public:
    Freeze(const Surroundings& world, base::VmName vm, hypervisor::Hypervisor& hypervisor, definitions::Uuid domain)
        : world_(world), vm_(std::move(vm)), hypervisor_(hypervisor), domain_(std::move(domain)) {
        // No answer to this either: there is no agent that could freeze anything.
        if (const auto there = hypervisor_.ping_agent(domain_, agent_deadline); !there) {
            why_not_ = there.error().message();
            return;
        }
        // For the next orchestrator, should this one be killed.
        if (const auto noted = note_frozen(world_, vm_, true); !noted) {
            why_not_ = noted.error().message();
            return;
        }
        if (const auto frozen = hypervisor_.freeze(domain_, agent_deadline); !frozen) why_not_ = frozen.error().message();
        pending_ = true;
    }
    ~Freeze() {
        if (pending_) (void)thaw();  // an error on its way is the one to tell
    }
    Freeze(const Freeze&) = delete;
    Freeze& operator=(const Freeze&) = delete;

    [[nodiscard]] const std::string& why_not() const { return why_not_; }
    Result<> thaw() {
        if (!std::exchange(pending_, false)) return {};
        const auto thawed = hypervisor_.thaw(domain_, agent_deadline);
        if (!thawed) return base::Failure(thawed.error());
        (void)note_frozen(world_, vm_, false);  // one that is thawed once more notices nothing
        return {};
    }

private:
    const Surroundings& world_;
    const base::VmName vm_;
    hypervisor::Hypervisor& hypervisor_;
    const definitions::Uuid domain_;
    std::string why_not_;
    bool pending_ = false;
};

Result<> commit_volumes(const Surroundings& world, const definitions::VmDefinition& vm, std::vector<StoppedVolume>& done) {
    for (const auto& use : vm.volumes) {
        const base::VolumeId volume{use.pool, vm.name, use.volume};
        auto outcome = world.storage.commit(volume);
        if (!outcome) {
            auto error = base::with_context(std::move(outcome).error(), "cannot commit " + volume.str());
            for (const auto& before : done)
                if (before.committed) error.context += "; " + before.volume.str() + " is committed";
            return base::Failure(std::move(error));
        }
        if (*outcome) done.push_back({volume, (*outcome)->committed, (*outcome)->revision});
    }
    if (done.empty()) return base::fail(Errc::InvalidArgument, vm.name.str() + " has no running volume whose writes are kept");
    return {};
}

}  // namespace

Result<CommitReport> commit_running(const Surroundings& world, const definitions::VmDefinition& vm, const definitions::Uuid& domain,
                                    VmState state) {
    CommitReport report{vm.name, false, {}, {}};
    if (state == VmState::Paused) {
        report.not_frozen = "it is paused";
        TRY(commit_volumes(world, vm, report.volumes));
        return report;
    }
    Freeze freeze(world, vm.name, TRY(world.hypervisor_of(vm)), domain);
    report.not_frozen = freeze.why_not();
    report.frozen = report.not_frozen.empty();
    TRY(commit_volumes(world, vm, report.volumes));
    if (const auto thawed = freeze.thaw(); !thawed)
        return base::fail(Errc::Degraded, vm.name.str() + " is committed, but its file systems may be frozen, or freeze later: " +
                                              thawed.error().message() + "; virsh domfsthaw thaws them");
    return report;
}

Result<> thaw_left_frozen(const Surroundings& world, SessionRecord record, hypervisor::Hypervisor& hypervisor,
                          const definitions::Uuid& domain) {
    if (!record.frozen) return {};
    if (const auto thawed = hypervisor.thaw(domain, agent_deadline); !thawed)
        return base::fail(Errc::Degraded, "its file systems may be frozen since a commit was cut off: " + thawed.error().message() +
                                              "; virsh domfsthaw thaws them");
    record.frozen = false;
    return world.records.put(record);
}

}  // namespace varve::vm
