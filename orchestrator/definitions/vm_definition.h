// SPDX-License-Identifier: LGPL-2.1-or-later
// What a VM is, independent of whether it runs (docs/man/varve-vm.5.md has every key). A plain value: thread-safe as one is.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/units.h"
#include "orchestrator/definitions/identifiers.h"

#include <chrono>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace varve::definitions {

// Its committed volumes are what its children start from.
struct TemplateVm {
    friend auto operator<=>(const TemplateVm&, const TemplateVm&) = default;
};

// How long after a use the queue waits before it refills; or it refills only when it is empty.
struct RefillWhenEmpty {
    friend auto operator<=>(RefillWhenEmpty, RefillWhenEmpty) = default;
};
using RefillDelay = std::variant<std::chrono::milliseconds, RefillWhenEmpty>;

// What makes an app VM a disposable template (template_for_dispvms).
struct DisposableSettings {
    std::optional<std::uint32_t> preload_max;  // absent: not said here, so that the system-wide value may apply
    std::optional<RefillDelay> preload_delay;  // absent: the system's
    friend bool operator==(const DisposableSettings&, const DisposableSettings&) = default;
};

// Starts from a template; keeps its own data.
struct AppVm {
    base::VmName template_vm;
    std::optional<DisposableSettings> disposables;  // present: disposables may be made of it
    friend bool operator==(const AppVm&, const AppVm&) = default;
};

// Depends on no other VM's volumes.
struct StandaloneVm {
    friend auto operator<=>(const StandaloneVm&, const StandaloneVm&) = default;
};

// Keeps nothing: every volume starts anew.
struct DisposableVm {
    base::VmName template_vm;   // the disposable template
    bool auto_cleanup = false;  // removed with its volumes when it has shut down
    friend bool operator==(const DisposableVm&, const DisposableVm&) = default;
};

using VmClass = std::variant<TemplateVm, AppVm, StandaloneVm, DisposableVm>;

struct Memory {
    base::Bytes initial;
    base::Bytes maximum;  // not below `initial`
    friend bool operator==(Memory, Memory) = default;
};

// The host hands kernel and initramfs to the hypervisor. Absolute paths, of the mount's kernel pools or elsewhere.
struct KernelBoot {
    std::filesystem::path kernel;
    std::optional<std::filesystem::path> initramfs;
    TextLine command_line;
    friend bool operator==(const KernelBoot&, const KernelBoot&) = default;
};
// The guest's first disk has a boot loader.
enum class Firmware { Bios, Uefi };
using Boot = std::variant<KernelBoot, Firmware>;

// A volume of the VM: <mount>/pools/<pool>/<VM>/<volume>.img. What kind it is, and its size and source, the pool knows.
struct VolumeUse {
    base::VolumeName volume;
    base::PoolName pool;
    std::optional<TargetName> target;  // absent: allotted in the order of the list
    bool rw = true;                    // false: the guest may only read
    friend bool operator==(const VolumeUse&, const VolumeUse&) = default;
};

// A block device or raw image of the host, or a volume or revision of the mount, by its absolute path.
struct BlockAttachment {
    std::filesystem::path path;
    std::optional<TargetName> target;
    bool rw = false;
    friend bool operator==(const BlockAttachment&, const BlockAttachment&) = default;
};
struct PciAddress {
    std::uint16_t domain = 0;
    std::uint8_t bus = 0;
    std::uint8_t slot = 0;      // 0 to 31
    std::uint8_t function = 0;  // 0 to 7
    friend auto operator<=>(const PciAddress&, const PciAddress&) = default;
};
struct UsbId {
    std::uint16_t vendor = 0;
    std::uint16_t product = 0;
    friend auto operator<=>(const UsbId&, const UsbId&) = default;
};
using ExtraDevice = std::variant<BlockAttachment, PciAddress, UsbId>;

using InterfaceSource = std::variant<NetworkName, BridgeName>;
struct Interface {
    InterfaceSource source;
    std::optional<MacAddress> mac;  // absent: libvirt makes one at each start
    std::optional<IpAddress> ip;    // handed to the guest
    friend bool operator==(const Interface&, const Interface&) = default;
};

// When a VM that was started counts as running.
struct AgentReady {  // the QEMU guest agent answers
    friend auto operator<=>(AgentReady, AgentReady) = default;
};
struct SerialLineReady {  // the guest wrote this line to its first serial console
    TextLine line;
    friend bool operator==(const SerialLineReady&, const SerialLineReady&) = default;
};
struct XenstoreReady {  // the guest wrote "1" to its key "ready" (docs/xenstore.md); on Xen only
    friend auto operator<=>(XenstoreReady, XenstoreReady) = default;
};
struct NoReadiness {  // at once
    friend auto operator<=>(NoReadiness, NoReadiness) = default;
};
struct Readiness {
    std::variant<NoReadiness, AgentReady, SerialLineReady, XenstoreReady> signal;
    std::chrono::milliseconds deadline = std::chrono::minutes(1);  // then the start has failed
    friend bool operator==(const Readiness&, const Readiness&) = default;
};

// Which disposable template the VM's requests use when they name none.
struct SystemDefault {
    friend auto operator<=>(SystemDefault, SystemDefault) = default;
};
struct NoDisposables {
    friend auto operator<=>(NoDisposables, NoDisposables) = default;
};
using DefaultDispvm = std::variant<SystemDefault, NoDisposables, base::VmName>;

struct VmDefinition {
    base::VmName name;
    VmClass vm_class;
    std::optional<Uuid> uuid{};                 // of its domain; absent: the hypervisor makes one at each start
    std::optional<HypervisorUri> hypervisor{};  // absent: the orchestrator's default
    Memory memory{{std::uint64_t{512} << 20}, {std::uint64_t{512} << 20}};
    std::uint32_t vcpus = 1;  // 1 to most_vcpus
    Boot boot = Firmware::Bios;
    std::vector<VolumeUse> volumes{};  // each volume name once
    std::vector<ExtraDevice> devices{};
    std::vector<Interface> interfaces{};
    std::vector<base::VmName> needs{};  // started before it, in this order
    Readiness readiness{};
    std::optional<std::filesystem::path> domain_xml{};  // overrides the built-in template; absolute
    std::map<Feature, TextLine> features{};
    std::set<Tag> tags{};
    DefaultDispvm default_dispvm{};

    friend bool operator==(const VmDefinition&, const VmDefinition&) = default;
};

inline constexpr std::uint32_t most_vcpus = 512;
inline constexpr base::Bytes least_memory{std::uint64_t{1} << 20};
inline constexpr base::Bytes most_memory{std::uint64_t{64} << 40};
inline constexpr std::uint32_t most_preloads = 100;

// The template of an app VM, the disposable template of a disposable; nullptr for the others.
[[nodiscard]] const base::VmName* template_of(const VmDefinition& vm);
// nullptr unless disposables may be made of it.
[[nodiscard]] const DisposableSettings* disposables_of(const VmDefinition& vm);
// What the guest is told: the interfaces' fixed addresses, by their place in the list, which counts from 0.
[[nodiscard]] std::map<std::size_t, IpAddress> fixed_addresses(const std::vector<Interface>& interfaces);
// "template", "app", "standalone", "disposable".
[[nodiscard]] std::string_view class_name(const VmDefinition& vm);

}  // namespace varve::definitions
