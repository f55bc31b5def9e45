// SPDX-License-Identifier: LGPL-2.1-or-later
// What the orchestrator has under way with each VM: so that the next one can finish or undo it when this one is killed.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"
#include "orchestrator/definitions/identifiers.h"

#include <optional>
#include <string>
#include <vector>

namespace varve::vm {

struct SessionVolume {
    base::VolumeId volume;
    bool fresh = true;  // was halted before the start, so that dropping what was written is an exact undo
    friend bool operator==(const SessionVolume&, const SessionVolume&) = default;
};

struct SessionRecord {
    enum class Phase {
        Starting,  // the guest has executed nothing
        Resuming,  // it may have
        Running,   // the start is complete
    };
    base::VmName vm;
    Phase phase = Phase::Starting;
    std::string hypervisor;  // its URI
    std::vector<SessionVolume> volumes;
    bool frozen = false;  // the guest's file systems may be, by a commit
    friend bool operator==(const SessionRecord&, const SessionRecord&) = default;
};

// Written before what they announce is done. They must survive this process, not the machine: after a reboot there is no domain, and the
// volumes say themselves that they are dirty. Thread-safe.
class SessionRecords {
public:
    SessionRecords() = default;
    SessionRecords(const SessionRecords&) = delete;
    SessionRecords& operator=(const SessionRecords&) = delete;
    virtual ~SessionRecords() = default;

    // Broken ones are left out.
    [[nodiscard]] virtual base::Result<std::vector<SessionRecord>> all() = 0;
    [[nodiscard]] virtual base::Result<std::optional<SessionRecord>> find(const base::VmName& vm) = 0;
    [[nodiscard]] virtual base::Result<> put(const SessionRecord& record) = 0;
    [[nodiscard]] virtual base::Result<> remove(const base::VmName& vm) = 0;  // fine when there is none
};

}  // namespace varve::vm
