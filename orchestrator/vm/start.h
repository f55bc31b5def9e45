// SPDX-License-Identifier: LGPL-2.1-or-later
// The start of one VM whose needs are met: from its volumes to a guest that is ready.
#pragma once

#include "orchestrator/vm/board.h"
#include "orchestrator/vm/stage_runner.h"
#include "orchestrator/vm/surroundings.h"

#include <memory>
#include <string>
#include <vector>

namespace varve::vm {

class Start {
public:
    // All outlive it.
    Start(const Surroundings& world, const definitions::VmDefinition& vm, Claim& claim, StageRunner& stages)
        : world_(world), vm_(vm), claim_(claim), stages_(stages), hypervisor_(world.hypervisors.at(world.uri_of(vm))) {}

    // The VM has no domain, and nobody has one of its name; what an earlier session could not finish is finished.
    [[nodiscard]] base::Result<> prepare();

    // A failure undoes what was done. When the undoing fails, too, its error says so, and the record of the session stays: the next start
    // finishes it. Where the domain may still exist its volumes are left alone, and recovery does.
    [[nodiscard]] base::Result<> run();
    [[nodiscard]] bool may_have_domain() const { return may_have_domain_; }

    // What `verify` found.
    [[nodiscard]] const std::vector<std::string>& findings() const { return findings_; }

private:
    [[nodiscard]] base::Result<> stages_or_unwind();
    [[nodiscard]] base::Result<> stages();
    [[nodiscard]] base::Result<> verify();
    [[nodiscard]] base::Result<> reserve_memory();
    [[nodiscard]] base::Result<> start_all_volumes();
    [[nodiscard]] base::Result<> create();
    [[nodiscard]] base::Result<> resume();
    [[nodiscard]] base::Result<std::string> build_xml();
    [[nodiscard]] base::Result<std::vector<domain_xml::WantedDisk>> disks();
    [[nodiscard]] base::Result<> note(SessionRecord::Phase phase);

    [[nodiscard]] base::Result<> unwind();
    [[nodiscard]] base::Result<> unwind_domain();
    [[nodiscard]] base::Result<> unwind_volumes();

    [[nodiscard]] std::filesystem::path console_log() const { return world_.settings.console_directory / (vm_.name.str() + ".log"); }

    const Surroundings& world_;
    const definitions::VmDefinition& vm_;
    Claim& claim_;
    StageRunner& stages_;
    hypervisor::Hypervisor& hypervisor_;

    std::optional<SessionRecord> earlier_;
    std::vector<SessionVolume> volumes_;
    std::vector<Attachable> attachables_;
    std::vector<std::string> findings_;
    std::unique_ptr<MemoryPromise> memory_;
    bool volumes_begun_ = false;
    bool domain_begun_ = false;
    bool executed_ = false;         // the guest may have
    bool may_have_domain_ = false;  // a failed start could not destroy it
};

}  // namespace varve::vm
