// SPDX-License-Identifier: LGPL-2.1-or-later
// The port to one hypervisor: its domains, and what happens to them.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"
#include "drivers/base/units.h"
#include "orchestrator/definitions/identifiers.h"
#include "orchestrator/domain_xml/domain_type.h"
#include "orchestrator/hypervisor/listeners.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace varve::hypervisor {

enum class DomainState {
    Defined,  // somebody's persistent domain that does not run
    Running,
    Paused,    // or its guest sleeps
    Stopping,  // shuts down, or has crashed and is still there
};

struct Domain {
    definitions::Uuid uuid;
    std::string name;  // as the hypervisor has it; hostile
    DomainState state = DomainState::Running;
    std::optional<base::VmName> vm;         // whose it is, from our mark; none: not ours
    std::optional<std::uint32_t> number{};  // the hypervisor's own, while it runs or is paused; used again for others later
};

// A persistent domain as it is defined.
struct DomainDefinition {
    Domain domain;
    std::string xml;              // as its next start would have it; hostile
    bool saved = false;           // its guest's memory is kept beside the disks, which alone are not its state
    std::uint32_t snapshots = 0;  // that libvirt knows of
};

struct DomainMemory {
    base::Bytes now;
    std::optional<base::Bytes> used;  // what the guest says that it cannot do without; absent: it says nothing (any more, or yet)
};

// Thread-safe. Every call answers within the keepalive's bounds: while the hypervisor does not answer at all, calls fail at once with Io.
// Domains are transient: nothing is left behind when one ends. NotFound: there is no such domain (any more).
class Hypervisor {
public:
    Hypervisor() = default;
    Hypervisor(const Hypervisor&) = delete;
    Hypervisor& operator=(const Hypervisor&) = delete;
    virtual ~Hypervisor() = default;

    [[nodiscard]] virtual const std::string& uri() const = 0;
    // The best it has: Kvm where the processor helps, else Qemu.
    [[nodiscard]] virtual base::Result<domain_xml::DomainType> domain_type() = 0;

    // Those that run or are paused; everybody's.
    [[nodiscard]] virtual base::Result<std::vector<Domain>> domains() = 0;
    [[nodiscard]] virtual base::Result<Domain> find(const definitions::Uuid& domain) = 0;
    // Persistent ones that do not run, too.
    [[nodiscard]] virtual base::Result<Domain> find_name(const std::string& name) = 0;
    // Its XML as it is now.
    [[nodiscard]] virtual base::Result<std::string> description(const definitions::Uuid& domain) = 0;

    // Of a persistent domain, by its name or UUID.
    [[nodiscard]] virtual base::Result<DomainDefinition> definition(const std::string& domain) = 0;
    // The persistent domain is no more; its disks and UEFI variables stay. Busy: it runs, or has what would be lost with it (a saved state,
    // snapshots).
    [[nodiscard]] virtual base::Result<> undefine(const definitions::Uuid& domain) = 0;

    // The domain exists, and its guest has executed nothing. Exists: the name or the UUID is taken.
    [[nodiscard]] virtual base::Result<Domain> create_paused(const std::string& xml) = 0;
    // Also wakes a guest that sleeps.
    [[nodiscard]] virtual base::Result<> resume(const definitions::Uuid& domain) = 0;
    [[nodiscard]] virtual base::Result<> suspend(const definitions::Uuid& domain) = 0;
    // Asks the guest, through its agent or ACPI. What comes of it is told by DomainStopped, or not at all.
    [[nodiscard]] virtual base::Result<> request_shutdown(const definitions::Uuid& domain) = 0;
    [[nodiscard]] virtual base::Result<> destroy(const definitions::Uuid& domain) = 0;

    // A disk's host side has grown: tells the guest.
    [[nodiscard]] virtual base::Result<> resize_disk(const definitions::Uuid& domain, const std::string& target, base::Bytes size) = 0;
    [[nodiscard]] virtual base::Result<> attach_device(const definitions::Uuid& domain, const std::string& xml) = 0;
    [[nodiscard]] virtual base::Result<> detach_device(const definitions::Uuid& domain, const std::string& xml) = 0;
    // An interface, known by its MAC address, becomes what the XML says (its network, its link) at once, also while the guest stands still.
    // Unsupported: the hypervisor cannot.
    [[nodiscard]] virtual base::Result<> update_interface(const definitions::Uuid& domain, const std::string& xml) = 0;
    // Asks the guest to let go of a device, by its alias, and waits for nothing: one that stands still does it when it runs.
    [[nodiscard]] virtual base::Result<> release_device(const definitions::Uuid& domain, const std::string& alias) = 0;

    // What a new domain could have.
    [[nodiscard]] virtual base::Result<base::Bytes> free_memory() = 0;

    // A guest's, and what it shall be: its balloon driver gives memory back, or takes it, as it can.
    [[nodiscard]] virtual base::Result<DomainMemory> memory(const definitions::Uuid& domain) = 0;
    [[nodiscard]] virtual base::Result<> set_memory(const definitions::Uuid& domain, base::Bytes memory) = 0;

    // The QEMU guest agent. TimedOut: it does not answer; `deadline` counts in whole seconds, at least one.
    [[nodiscard]] virtual base::Result<> ping_agent(const definitions::Uuid& domain, std::chrono::seconds deadline) = 0;
    // The guest's file systems; gives how many. `thaw` of a guest that is not frozen does nothing. An agent that does not answer in time may
    // still do it later.
    [[nodiscard]] virtual base::Result<int> freeze(const definitions::Uuid& domain, std::chrono::seconds deadline) = 0;
    [[nodiscard]] virtual base::Result<int> thaw(const definitions::Uuid& domain, std::chrono::seconds deadline) = 0;

    // Listeners run in the hypervisor's own thread: they only note what they are told and call nothing of this interface.
    [[nodiscard]] virtual std::unique_ptr<Subscription> subscribe(EventListener listener) = 0;
};

}  // namespace varve::hypervisor
