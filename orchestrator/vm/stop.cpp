// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/stop.h"

#include "orchestrator/vm/sessions.h"
#include "orchestrator/vm/stage_runner.h"

#include <utility>

namespace varve::vm {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using hypervisor::Hypervisor;

Result<> destroy(Hypervisor& hypervisor, const definitions::Uuid& domain) {
    auto destroyed = hypervisor.destroy(domain);
    if (!destroyed && destroyed.error().code != Errc::NotFound) return destroyed;
    return {};
}

// NotFound of a domain that has just gone is what was wanted.
Result<> request(Hypervisor& hypervisor, const definitions::Uuid& domain, bool paused) {
    // A paused guest cannot hear.
    auto asked = paused ? hypervisor.resume(domain) : Result<>();
    if (asked) asked = hypervisor.request_shutdown(domain);
    if (!asked && asked.error().code != Errc::NotFound) return asked;
    return {};
}

// Whether the domain has gone by the deadline.
Result<bool> wait_gone(const Claim& claim, Deadline deadline) {
    while (!claim.domain_gone()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        TRY(claim.wait(deadline));
    }
    return true;
}

class Stopping {
public:
    Stopping(const Surroundings& world, Hypervisor& hypervisor, Claim& claim, const std::string& doing, const StageListener& listener)
        : world_(world),
          claim_(claim),
          hypervisor_(hypervisor),
          stages_(claim.vm(), doing + " " + claim.vm().str(), listener),
          before_(claim.state()) {}

    // `end` ends the domain, and says whether it had to be killed.
    template <class End>
    Result<StopReport> run(const std::string& reason, End end) {
        const auto domain = claim_.domain();
        if (!domain) return fail(Errc::NotFound, claim_.vm().str() + " has no domain any more");
        claim_.set_state(VmState::Stopping);
        StopReport report{claim_.vm(), false, {}, {}};
        auto killed = stages_.run(Stage::Shutdown, [&] { return end(*domain); });
        if (!killed) {
            claim_.set_state(before_);
            return base::Failure(std::move(killed).error());
        }
        report.killed = *killed;
        report.volumes =
            TRY(stages_.run(Stage::StopVolumes, [&] { return finish_stop(world_, claim_, report.killed ? "killed" : reason); }));
        report.stages = stages_.timings();
        return report;
    }

    Result<bool> end_by_request(const definitions::Uuid& domain, const StopRequest& wanted) {
        if (wanted.agree) TRY(wanted.agree());
        const auto deadline = std::chrono::steady_clock::now() + wanted.deadline;
        auto asked = request(hypervisor_, domain, before_ == VmState::Paused);
        if (asked) before_ = VmState::Running;  // whatever it was
        if (!asked && !wanted.then_kill) return base::Failure(std::move(asked).error());
        // Who could not be asked has the time that was promised, too: it may be ending, or somebody else may ask it.
        if (TRY(wait_gone(claim_, deadline))) return false;
        if (!wanted.then_kill)
            return fail(Errc::TimedOut, "the guest did not shut down within " +
                                            std::to_string(std::chrono::duration_cast<std::chrono::seconds>(wanted.deadline).count()) +
                                            " s, and runs on: 'varve vm kill' ends it");
        TRY(destroy(hypervisor_, domain));
        return true;
    }

    Result<bool> end_at_once(const definitions::Uuid& domain) {
        TRY(destroy(hypervisor_, domain));
        return true;
    }

private:
    const Surroundings& world_;
    Claim& claim_;
    Hypervisor& hypervisor_;
    StageRunner stages_;
    VmState before_;
};

}  // namespace

Result<StopReport> stop_claimed(const Surroundings& world, const definitions::VmDefinition& vm, Claim& claim, const StopRequest& request,
                                const StageListener& listener) {
    Stopping stopping(world, TRY(world.hypervisor_of(vm)), claim, "stopping", listener);
    return stopping.run("shut down", [&](const definitions::Uuid& domain) { return stopping.end_by_request(domain, request); });
}

Result<StopReport> kill_claimed(const Surroundings& world, const definitions::VmDefinition& vm, Claim& claim,
                                const StageListener& listener) {
    Stopping stopping(world, TRY(world.hypervisor_of(vm)), claim, "killing", listener);
    return stopping.run("killed", [&](const definitions::Uuid& domain) { return stopping.end_at_once(domain); });
}

Result<std::vector<StoppedVolume>> finish_stop(const Surroundings& world, Claim& claim, const std::string& reason) {
    claim.set_state(VmState::Stopping, reason);
    claim.set_domain({});
    const auto finish = [&]() -> Result<std::vector<StoppedVolume>> {
        const auto record = TRY(world.records.find(claim.vm()));
        if (!record) return std::vector<StoppedVolume>();
        auto stopped = TRY(stop_volumes(world.storage, record->volumes));
        TRY(world.records.remove(claim.vm()));
        return stopped;
    };
    auto stopped = finish();
    claim.set_trouble(stopped ? std::string() : stopped.error().message());
    claim.set_state(VmState::Halted, reason);
    return stopped;
}

}  // namespace varve::vm
