// SPDX-License-Identifier: LGPL-2.1-or-later
// What the life cycle works with.
#pragma once

#include "orchestrator/definitions/store.h"
#include "orchestrator/vm/hypervisors.h"
#include "orchestrator/vm/memory_promises.h"
#include "orchestrator/vm/session_records.h"
#include "orchestrator/vm/storage.h"
#include "orchestrator/vm/xen_keys.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace varve::vm {

struct LifeCycleSettings {
    std::string default_hypervisor = "qemu:///system";
    // Where hypervisors note what serial consoles say, for VMs whose readiness is a line there. It exists.
    std::filesystem::path console_directory;
    // How long a start waits for a shutdown that is under way.
    std::chrono::milliseconds patience = std::chrono::seconds(60);
};

// All outlive their users, and are thread-safe.
struct Surroundings {
    definitions::DefinitionStore& definitions;
    Storage& storage;
    SessionRecords& records;
    Hypervisors& hypervisors;
    XenKeys& xen_keys;
    MemoryPromises& memory;
    const LifeCycleSettings& settings;

    // Where its next session will be.
    [[nodiscard]] std::string uri_of(const definitions::VmDefinition& vm) const {
        return vm.hypervisor ? vm.hypervisor->str() : settings.default_hypervisor;
    }
    // Where its session is, whatever its definition and the configuration have come to say since that began; without one, where the next will be.
    // Corrupt: the record of the session cannot be read.
    [[nodiscard]] base::Result<std::reference_wrapper<hypervisor::Hypervisor>> hypervisor_of(const definitions::VmDefinition& vm) const;
    // The same for all VMs, by their URIs.
    [[nodiscard]] std::map<base::VmName, std::string> uris_of_all(const std::vector<SessionRecord>& sessions) const;
};

}  // namespace varve::vm
