// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/hypervisor/libvirt_hypervisor.h"

#include "orchestrator/domain_xml/mark.h"
#include "orchestrator/hypervisor/connection.h"
#include "orchestrator/hypervisor/domain_identity.h"
#include "orchestrator/hypervisor/libvirt_errors.h"

#include <libvirt/virterror.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

namespace varve::hypervisor {
namespace {

using base::Bytes;
using base::Errc;
using base::Result;
using definitions::Uuid;
using domain_xml::DomainType;

DomainState state_from(int state) {
    switch (state) {
        case VIR_DOMAIN_RUNNING:
        case VIR_DOMAIN_BLOCKED: return DomainState::Running;  // Xen says "blocked" of a guest that waits
        case VIR_DOMAIN_PAUSED:
        case VIR_DOMAIN_PMSUSPENDED: return DomainState::Paused;
        case VIR_DOMAIN_SHUTOFF: return DomainState::Defined;
        default: return DomainState::Stopping;
    }
}

Result<DomainState> state_of(virDomainPtr domain) {
    const auto name = name_of(domain);
    int state = VIR_DOMAIN_NOSTATE;
    if (::virDomainGetState(domain, &state, nullptr, 0) < 0) return libvirt_failure("cannot read the state of the domain " + name);
    return state_from(state);
}

// No mark, and no metadata at all, are no errors.
std::optional<base::VmName> owner_of(virDomainPtr domain) {
    const Text element(::virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, domain_xml::mark_namespace, 0));
    if (!element) return {};
    return domain_xml::marked_vm(element.get());
}

Result<Domain> read_domain(virDomainPtr domain) {
    auto uuid = TRY(uuid_of(domain));
    const auto state = TRY(state_of(domain));
    const auto number = ::virDomainGetID(domain);
    constexpr auto none = static_cast<unsigned int>(-1);  // it does not run
    return Domain{std::move(uuid), name_of(domain), state, owner_of(domain), number == none ? std::nullopt : std::optional(number)};
}

Result<DomainDefinition> read_definition(virDomainPtr domain) {
    auto known = TRY(read_domain(domain));
    const int persistent = ::virDomainIsPersistent(domain);
    if (persistent < 0) return libvirt_failure("cannot look at the domain " + known.name);
    if (persistent == 0) return base::fail(Errc::NotFound, "the domain " + known.name + " is defined nowhere: it ends when its guest does");
    const Text xml(::virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE));
    if (!xml) return libvirt_failure("cannot read the description of the domain " + known.name);
    // Drivers that cannot save, or make snapshots, have none.
    const int saved = ::virDomainHasManagedSaveImage(domain, 0);
    const int snapshots = ::virDomainSnapshotNum(domain, 0);
    return DomainDefinition{std::move(known), xml.get(), saved > 0, static_cast<std::uint32_t>(std::max(snapshots, 0))};
}

Result<> check_undefinable(const DomainDefinition& found) {
    const auto busy = [&](const std::string& why) { return base::fail(Errc::Busy, "the domain " + found.domain.name + " " + why); };
    if (found.domain.state != DomainState::Defined) return busy("runs");
    if (found.saved) return busy("has a saved state, which would be lost");
    if (found.snapshots > 0) return busy("has " + std::to_string(found.snapshots) + " snapshots, of which libvirt would forget");
    return {};
}

// The flags to undefine it with, the best first, and none with which something of the domain's goes. In libvirt's XML a '<' begins an element; a word
// that is found and means something else only makes this more careful.
std::vector<unsigned int> keeping(std::string_view xml) {
    const auto has = [&](std::string_view text) { return xml.find(text) != std::string_view::npos; };
    std::vector<unsigned int> flags{VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | VIR_DOMAIN_UNDEFINE_KEEP_TPM};
    if (has("<tpm")) return flags;
    flags.push_back(VIR_DOMAIN_UNDEFINE_KEEP_NVRAM);
    // Of its own libvirt's driver for Xen says that UEFI is pflash, but no variables are kept there, and it knows none of the flags.
    if (!has("<nvram") && (!has("'pflash'") || has("<domain type='xen'"))) flags.push_back(0);
    return flags;
}

// What Linux would give to a new program: what is free, and what caches files. Nothing where the hypervisor does not count so (Xen, whose free
// memory is nobody's, and the test driver).
std::optional<Bytes> available_memory(virConnectPtr connection) {
    int count = 0;
    if (::virNodeGetMemoryStats(connection, VIR_NODE_MEMORY_STATS_ALL_CELLS, nullptr, &count, 0) < 0 || count == 0) return {};
    std::vector<virNodeMemoryStats> values(static_cast<std::size_t>(count));
    if (::virNodeGetMemoryStats(connection, VIR_NODE_MEMORY_STATS_ALL_CELLS, values.data(), &count, 0) < 0) return {};
    std::uint64_t kibibytes = 0;
    for (const auto& value : values) {
        const std::string_view field(static_cast<const char*>(value.field));
        if (field == VIR_NODE_MEMORY_STATS_FREE || field == VIR_NODE_MEMORY_STATS_BUFFERS || field == VIR_NODE_MEMORY_STATS_CACHED)
            kibibytes += value.value;
    }
    return Bytes{kibibytes << 10U};
}

// What the guest's balloon driver told last.
std::optional<Bytes> used_memory(virDomainPtr domain) {
    std::array<virDomainMemoryStatStruct, VIR_DOMAIN_MEMORY_STAT_NR> values{};
    const int count = ::virDomainMemoryStats(domain, values.data(), values.size(), 0);
    std::optional<std::uint64_t> available;
    std::optional<std::uint64_t> usable;
    for (const auto& value : std::span(values).first(static_cast<std::size_t>(std::max(count, 0)))) {
        if (value.tag == VIR_DOMAIN_MEMORY_STAT_AVAILABLE) available = value.val;
        if (value.tag == VIR_DOMAIN_MEMORY_STAT_USABLE) usable = value.val;
    }
    // Hostile: the guest says so.
    if (!available || !usable || *usable > *available || *available > (std::uint64_t{1} << 50U)) return {};
    return Bytes{(*available - *usable) << 10U};
}

// What virConnectListAllDomains gives.
class DomainList {
public:
    [[nodiscard]] static Result<std::unique_ptr<DomainList>> active(virConnectPtr connection) {
        std::unique_ptr<DomainList> list(new DomainList());
        const int count = ::virConnectListAllDomains(connection, &list->first_, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
        if (count < 0) return libvirt_failure("cannot list the domains");
        list->count_ = static_cast<std::size_t>(count);
        return list;
    }
    ~DomainList() {
        for (auto* const domain : domains()) (void)::virDomainFree(domain);  // drops a reference
        std::free(first_);                                                   // NOLINT(cppcoreguidelines-no-malloc): libvirt's
    }
    DomainList(const DomainList&) = delete;
    DomainList& operator=(const DomainList&) = delete;

    [[nodiscard]] std::span<virDomainPtr> domains() const { return {first_, count_}; }

private:
    DomainList() = default;
    virDomainPtr* first_ = nullptr;
    std::size_t count_ = 0;
};

class LibvirtHypervisor final : public Hypervisor {
public:
    LibvirtHypervisor(std::string uri, ConnectionSettings settings)
        : uri_(std::move(uri)), listeners_(std::make_shared<Listeners>()), connection_(uri_, settings, listeners_) {}

    [[nodiscard]] const std::string& uri() const override { return uri_; }

    Result<DomainType> domain_type() override {
        const auto connection = TRY(connection_.get());
        const auto* const type = ::virConnectGetType(connection.get());
        if (type == nullptr) return libvirt_failure("cannot find out what kind of hypervisor '" + uri_ + "' is");
        const std::string_view kind(type);
        if (kind == "Xen") return DomainType::Xen;
        if (kind == "TEST" || kind == "Test") return DomainType::Test;
        if (kind != "QEMU")
            return base::fail(Errc::Unsupported,
                              "the hypervisor '" + uri_ + "' is of the kind " + std::string(kind) + "; QEMU, Xen and Test are supported");
        // Refused when the host has no KVM.
        const Text kvm(::virConnectGetDomainCapabilities(connection.get(), nullptr, nullptr, nullptr, "kvm", 0));
        return kvm ? DomainType::Kvm : DomainType::Qemu;
    }

    Result<std::vector<Domain>> domains() override {
        const auto connection = TRY(connection_.get());
        const auto list = TRY(DomainList::active(connection.get()));
        std::vector<Domain> found;
        found.reserve(list->domains().size());
        for (auto* const domain : list->domains()) {
            auto read = read_domain(domain);
            if (read)
                found.push_back(std::move(*read));
            else if (read.error().code != Errc::NotFound)  // it has gone meanwhile
                return base::Failure(std::move(read).error());
        }
        return found;
    }

    Result<Domain> find(const Uuid& domain) override {
        const auto [connection, handle] = TRY(look_up(domain));
        return read_domain(handle.get());
    }

    Result<Domain> find_name(const std::string& name) override {
        const auto connection = TRY(connection_.get());
        const DomainHandle handle(::virDomainLookupByName(connection.get(), name.c_str()));
        if (!handle) return libvirt_failure("cannot find the domain " + name);
        return read_domain(handle.get());
    }

    Result<std::string> description(const Uuid& domain) override {
        const auto [connection, handle] = TRY(look_up(domain));
        const auto name = name_of(handle.get());
        const Text xml(::virDomainGetXMLDesc(handle.get(), 0));
        if (!xml) return libvirt_failure("cannot read the description of the domain " + name);
        return std::string(xml.get());
    }

    Result<DomainDefinition> definition(const std::string& domain) override {
        const auto connection = TRY(connection_.get());
        DomainHandle handle(::virDomainLookupByName(connection.get(), domain.c_str()));
        if (!handle && ::virGetLastErrorCode() == VIR_ERR_NO_DOMAIN && Uuid::parse(domain))
            handle.reset(::virDomainLookupByUUIDString(connection.get(), domain.c_str()));
        if (!handle) return libvirt_failure("cannot find the domain " + domain);
        return read_definition(handle.get());
    }

    Result<> undefine(const Uuid& domain) override {
        const auto [connection, handle] = TRY(look_up(domain));
        const auto found = TRY(read_definition(handle.get()));
        TRY(check_undefinable(found));
        // Drivers and versions that do not know a flag refuse it.
        for (const auto flags : keeping(found.xml)) {
            if (::virDomainUndefineFlags(handle.get(), flags) >= 0) return {};
            if (flags == 0 || ::virGetLastErrorCode() != VIR_ERR_INVALID_ARG)
                return libvirt_failure("cannot undefine the domain " + found.domain.name);
        }
        return base::fail(Errc::Unsupported,
                          "the domain " + found.domain.name +
                              " was not undefined: it has a TPM or UEFI variables, and its hypervisor's libvirt does not "
                              "know how to keep them. Save them, then undefine it by hand ('virsh undefine')");
    }

    Result<Domain> create_paused(const std::string& xml) override {
        const auto connection = TRY(connection_.get());
        const DomainHandle paused(::virDomainCreateXML(connection.get(), xml.c_str(), VIR_DOMAIN_START_PAUSED));
        if (paused) return read_domain(paused.get());
        if (::virGetLastErrorCode() == VIR_ERR_INVALID_ARG && TRY(domain_type()) == DomainType::Test)
            return create_then_suspend(connection.get(), xml);
        return creation_failure();
    }

    // A guest that sleeps is not paused, and only a wake-up makes it go on.
    Result<> resume(const Uuid& domain) override {
        return call(domain, "resume", [](virDomainPtr handle) {
            int state = VIR_DOMAIN_NOSTATE;
            const bool known = ::virDomainGetState(handle, &state, nullptr, 0) == 0;
            return known && state == VIR_DOMAIN_PMSUSPENDED ? ::virDomainPMWakeup(handle, 0) : ::virDomainResume(handle);
        });
    }
    Result<> suspend(const Uuid& domain) override { return call(domain, "pause", ::virDomainSuspend); }
    Result<> destroy(const Uuid& domain) override { return call(domain, "destroy", ::virDomainDestroy); }

    Result<> request_shutdown(const Uuid& domain) override {
        return call(domain, "shut down", [](virDomainPtr handle) {
            // By default libvirt takes the agent when it is connected, else ACPI.
            return ::virDomainShutdownFlags(handle, VIR_DOMAIN_SHUTDOWN_DEFAULT);
        });
    }

    Result<> resize_disk(const Uuid& domain, const std::string& target, Bytes size) override {
        return call(domain, "resize a disk of", [&](virDomainPtr handle) {
            return ::virDomainBlockResize(handle, target.c_str(), size.count, VIR_DOMAIN_BLOCK_RESIZE_BYTES);
        });
    }

    Result<> attach_device(const Uuid& domain, const std::string& xml) override {
        return call(domain, "attach a device to",
                    [&](virDomainPtr handle) { return ::virDomainAttachDeviceFlags(handle, xml.c_str(), VIR_DOMAIN_AFFECT_LIVE); });
    }

    Result<> detach_device(const Uuid& domain, const std::string& xml) override {
        return call(domain, "detach a device from",
                    [&](virDomainPtr handle) { return ::virDomainDetachDeviceFlags(handle, xml.c_str(), VIR_DOMAIN_AFFECT_LIVE); });
    }

    Result<> update_interface(const Uuid& domain, const std::string& xml) override {
        return call(domain, "change an interface of",
                    [&](virDomainPtr handle) { return ::virDomainUpdateDeviceFlags(handle, xml.c_str(), VIR_DOMAIN_AFFECT_LIVE); });
    }

    Result<> release_device(const Uuid& domain, const std::string& alias) override {
        return call(domain, "detach a device from",
                    [&](virDomainPtr handle) { return ::virDomainDetachDeviceAlias(handle, alias.c_str(), VIR_DOMAIN_AFFECT_LIVE); });
    }

    Result<Bytes> free_memory() override {
        const auto connection = TRY(connection_.get());
        if (const auto available = available_memory(connection.get())) return *available;
        const auto bytes = ::virNodeGetFreeMemory(connection.get());
        if (bytes == 0) return libvirt_failure("cannot find out how much memory is free");
        // libvirt's test driver (9.0) counts in KiB.
        return TRY(domain_type()) == DomainType::Test ? Bytes{std::uint64_t{bytes} << 10U} : Bytes{bytes};
    }

    Result<DomainMemory> memory(const Uuid& domain) override {
        const auto [connection, handle] = TRY(look_up(domain));
        const auto name = name_of(handle.get());
        virDomainInfo info{};
        if (::virDomainGetInfo(handle.get(), &info) < 0) return libvirt_failure("cannot read the memory of the domain " + name);
        // QEMU asks the guest only where somebody wants to know; others need no asking and refuse this.
        (void)::virDomainSetMemoryStatsPeriod(handle.get(), 1, VIR_DOMAIN_AFFECT_LIVE);
        return DomainMemory{Bytes{std::uint64_t{info.memory} << 10U}, used_memory(handle.get())};
    }

    Result<> set_memory(const Uuid& domain, Bytes memory) override {
        return call(domain, "change the memory of",
                    [&](virDomainPtr handle) { return ::virDomainSetMemoryFlags(handle, memory.count >> 10U, VIR_DOMAIN_AFFECT_LIVE); });
    }

    Result<> ping_agent(const Uuid& domain, std::chrono::seconds deadline) override {
        return call(domain, "reach the agent of", [deadline](virDomainPtr handle) {
            if (!set_agent_deadline(handle, deadline)) return -1;
            // libvirt synchronises with the agent before the question, so that an answer is a new one.
            long long time = 0;
            unsigned nanoseconds = 0;
            return ::virDomainGetTime(handle, &time, &nanoseconds, 0);
        });
    }

    Result<int> freeze(const Uuid& domain, std::chrono::seconds deadline) override {
        return count(domain, "freeze the file systems of", [deadline](virDomainPtr handle) {
            return set_agent_deadline(handle, deadline) ? ::virDomainFSFreeze(handle, nullptr, 0, 0) : -1;
        });
    }

    Result<int> thaw(const Uuid& domain, std::chrono::seconds deadline) override {
        return count(domain, "thaw the file systems of", [deadline](virDomainPtr handle) {
            return set_agent_deadline(handle, deadline) ? ::virDomainFSThaw(handle, nullptr, 0, 0) : -1;
        });
    }

    std::unique_ptr<Subscription> subscribe(EventListener listener) override { return Listeners::add(listeners_, std::move(listener)); }

private:
    struct Found {
        ConnectionHandle connection;
        DomainHandle domain;  // goes before the connection
    };

    // Of every answer of the domain's agent from now on.
    static bool set_agent_deadline(virDomainPtr handle, std::chrono::seconds deadline) {
        const auto seconds = static_cast<int>(std::clamp<std::chrono::seconds::rep>(deadline.count(), 1, 3600));
        return ::virDomainAgentSetResponseTimeout(handle, seconds, 0) >= 0;
    }

    [[nodiscard]] Result<Found> look_up(const Uuid& domain) const {
        auto connection = TRY(connection_.get());
        DomainHandle handle(::virDomainLookupByUUIDString(connection.get(), domain.str().c_str()));
        if (!handle) return libvirt_failure("cannot find the domain " + domain.str());
        return Found{std::move(connection), std::move(handle)};
    }

    template <class Function>
    [[nodiscard]] Result<int> count(const Uuid& domain, std::string_view what, const Function& function) const {
        const auto [connection, handle] = TRY(look_up(domain));
        const auto name = name_of(handle.get());
        const int outcome = function(handle.get());
        if (outcome < 0) return libvirt_failure("cannot " + std::string(what) + " the domain " + name);
        return outcome;
    }

    template <class Function>
    [[nodiscard]] Result<> call(const Uuid& domain, std::string_view what, const Function& function) const {
        (void)TRY(count(domain, what, function));
        return {};
    }

    // libvirt has no code of its own for a name or UUID that is taken.
    static base::Failure creation_failure() {
        const auto* const error = ::virGetLastError();
        const bool taken = error != nullptr && error->message != nullptr && error->code == VIR_ERR_OPERATION_FAILED &&
                           std::string_view(error->message).find("already") != std::string_view::npos;
        auto failure = libvirt_failure("cannot create the domain");
        if (taken) failure.value().code = Errc::Exists;
        return failure;
    }

    // libvirt's test driver (9.0) cannot create paused; its guests execute nothing anyway.
    static Result<Domain> create_then_suspend(virConnectPtr connection, const std::string& xml) {
        const DomainHandle running(::virDomainCreateXML(connection, xml.c_str(), 0));
        if (!running) return creation_failure();
        if (::virDomainSuspend(running.get()) < 0) {
            auto failure = libvirt_failure("cannot pause the new domain");
            (void)::virDomainDestroy(running.get());  // the first failure is the one to tell
            return failure;
        }
        return read_domain(running.get());
    }

    const std::string uri_;
    const std::shared_ptr<Listeners> listeners_;
    Connection connection_;
};

}  // namespace

std::unique_ptr<Hypervisor> make_libvirt_hypervisor(std::string uri, const EventLoop& /*loop*/, ConnectionSettings settings) {
    return std::make_unique<LibvirtHypervisor>(std::move(uri), settings);
}

}  // namespace varve::hypervisor
