// SPDX-License-Identifier: LGPL-2.1-or-later
// The stages of a VM's life, in the order they run; docs/orchestrator.md says what each does and what undoes it.
#pragma once

#include "drivers/base/names.h"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::vm {

enum class Stage {
    // Of a start.
    Halted,     // the VM must be halted; a shutdown under way is waited for
    Needs,      // the VMs it needs are started first
    Verify,     // its volumes are there and can start
    Memory,     // the host has the memory
    Volumes,    // the volumes start
    Create,     // the domain is created, paused
    Resume,     // the guest runs
    Readiness,  // the guest says that it is ready
    // Of a stop.
    Shutdown,     // the guest is asked to shut down, and its domain goes
    StopVolumes,  // the volumes commit or discard, by kind
};

// "halted", "needs", "verify", "memory", "volumes", "create", "resume", "readiness", "shutdown", "stop-volumes".
[[nodiscard]] std::string_view name_of(Stage stage);

struct StageTiming {
    Stage stage;
    std::chrono::microseconds took;
};

struct StageEvent {
    enum class What { Began, Done, Failed, Undone };
    base::VmName vm;  // of a VM that is needed, too
    Stage stage;
    What what;
    std::chrono::microseconds took{};  // unless Began
    std::string remark;                // Failed: why; else something worth telling, or empty
};

// Called in the thread of the operation, with no lock held. May be empty.
using StageListener = std::function<void(const StageEvent&)>;

}  // namespace varve::vm
