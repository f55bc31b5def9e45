// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_adoption/parts.h"
#include "orchestrator/mount_client/reference.h"

#include <array>

namespace varve::domain_adoption {
namespace {

using definitions::BridgeName;
using definitions::MacAddress;
using definitions::NetworkName;
using definitions::VmDefinition;
using mount_client::shown;

std::optional<std::variant<NetworkName, BridgeName>> source_of(pugi::xml_node node, Reading& reading) {
    const auto source = node.child("source");
    const auto type = value_of(node, "type");
    if (type == "network") {
        reading.take(source, {"network"});
        const auto name = value_of(source, "network");
        return reading.check("the network '" + shown(name) + "'", NetworkName::parse(name));
    }
    if (type == "bridge") {
        reading.take(source, {"bridge"});
        const auto name = value_of(source, "bridge");
        return reading.check("the bridge '" + shown(name) + "'", BridgeName::parse(name));
    }
    reading.leave(node, "the VM does not have it: interfaces are of a network of libvirt's or of a bridge");
    return std::nullopt;
}

// What keeps the domain from some of its network, and no definition says; empty: nothing.
std::string restrictions_of(pugi::xml_node node) {
    std::string found;
    const auto note = [&](bool present, const std::string& what) {
        if (present) found += (found.empty() ? "" : ", ") + what;
    };
    note(value_of(node.child("link"), "state") == "down", "<link state='down'>");
    for (const char* const element : {"filterref", "vlan", "virtualport"})
        note(!node.child(element).empty(), "<" + std::string(element) + ">");
    note(value_of(node.child("port"), "isolated") == "yes", "<port isolated='yes'>");
    note(!value_of(node.child("source"), "portgroup").empty(), "a portgroup");
    return found;
}

void read_interface(pugi::xml_node node, const Wish& wish, Reading& reading, VmDefinition& vm) {
    if (const auto restrictions = restrictions_of(node); !restrictions.empty())
        return reading.leave(node, "it has " + restrictions +
                                       ", which no definition says; without that the VM would have more of the network than the domain");
    auto source = source_of(node, reading);
    if (!source) return;
    definitions::Interface interface {
        std::move(*source), {}, {}
    };
    reading.take(node, {"type"});
    const auto mac = node.child("mac");
    if (!mac.empty() && (wish.takes_over || wish.keeps_mac)) {
        reading.take(mac, {"address"});
        const auto address = value_of(mac, "address");
        interface.mac = reading.check("the MAC address '" + shown(address) + "'", MacAddress::parse(address));
    } else {
        reading.leave(mac, "a copy beside its original has another: --keep-mac or --undefine keep it");
    }
    const auto model = node.child("model");
    reading.take(model);
    if (value_of(model, "type") == "virtio")
        reading.take(model, {"type"});
    else
        reading.leave(model, "type", "under QEMU the VM has virtio");
    vm.interfaces.push_back(std::move(interface));
}

std::optional<definitions::PciAddress> pci_address(pugi::xml_node address) {
    const auto part = [&](const char* name, std::uint64_t most) { return number_in(value_of(address, name), most); };
    const auto domain = value_of(address, "domain").empty() ? 0 : part("domain", UINT16_MAX);
    const auto bus = part("bus", UINT8_MAX);
    const auto slot = part("slot", 31);
    const auto function = part("function", 7);
    if (!domain || !bus || !slot || !function) return std::nullopt;
    return definitions::PciAddress{static_cast<std::uint16_t>(*domain), static_cast<std::uint8_t>(*bus), static_cast<std::uint8_t>(*slot),
                                   static_cast<std::uint8_t>(*function)};
}

void read_host_device(pugi::xml_node node, Reading& reading, VmDefinition& vm) {
    const auto source = node.child("source");
    const auto type = value_of(node, "type");
    if (value_of(node, "mode") == "subsystem" && type == "pci") {
        const auto address = pci_address(source.child("address"));
        if (!address) return reading.problem("a PCI device of the host has an address that is none");
        reading.take(source.child("address"), {"type", "domain", "bus", "slot", "function"});
        vm.devices.emplace_back(*address);
    } else if (value_of(node, "mode") == "subsystem" && type == "usb" && !source.child("vendor").empty()) {
        const auto vendor = number_in(value_of(source.child("vendor"), "id"), UINT16_MAX);
        const auto product = number_in(value_of(source.child("product"), "id"), UINT16_MAX);
        if (!vendor || !product) return reading.problem("a USB device of the host has numbers that are none");
        reading.take(source.child("vendor"), {"id"});
        reading.take(source.child("product"), {"id"});
        vm.devices.emplace_back(definitions::UsbId{static_cast<std::uint16_t>(*vendor), static_cast<std::uint16_t>(*product)});
    } else {
        return reading.leave(node, "the VM does not have it: devices of the host are PCI devices, and USB devices by their numbers");
    }
    reading.take(node, {"mode", "type"});
    reading.take(source);
    if (value_of(node, "managed") == "yes") reading.take(node, {"managed"});
    reading.leave(node, "managed", "libvirt takes the device from the host and gives it back");
}

// What the built-in template of orchestrator/domain_xml has, too.
void take_what_every_vm_has(pugi::xml_node domain, Reading& reading) {
    struct Setting {
        const char* element;
        std::string_view text;
    };
    constexpr std::array<Setting, 3> settings{{{"on_poweroff", "destroy"}, {"on_reboot", "restart"}, {"on_crash", "destroy"}}};
    for (const auto& [element, text] : settings)
        if (text_of(domain.child(element)) == text) reading.take(domain.child(element));
    const auto features = domain.child("features");
    reading.take(features);
    for (const auto* name : {"acpi", "apic"}) reading.take(features.child(name));
    if (value_of(domain.child("clock"), "offset") == "utc") reading.take(domain.child("clock"), {"offset"});
}

// True when it is as in the built-in template.
bool is_usual(pugi::xml_node node) {
    const std::string_view name = node.name();
    const auto type = value_of(node, "type");
    const auto target = node.child("target");
    if (name == "serial" || name == "console") return type == "pty" && (value_of(target, "port") == "0" || target.empty());
    if (name == "channel") return type == "unix" && value_of(target, "name") == "org.qemu.guest_agent.0";
    if (name == "memballoon") return value_of(node, "model") == "virtio" || value_of(node, "model") == "xen";
    if (name == "rng") return value_of(node, "model") == "virtio" && text_of(node.child("backend")) == "/dev/urandom";
    if (name == "input") return value_of(node, "bus") == "ps2" || value_of(node, "bus") == "xen";
    return false;
}

void take_usual(pugi::xml_node node, Reading& reading) {
    reading.take(node, {"type", "model", "bus"});
    const auto target = node.child("target");
    reading.take(target, {"type", "name", "port"});
    reading.take(target.child("model"), {"name"});
    reading.take(node.child("backend"), {"model"});
}

}  // namespace

void read_devices(pugi::xml_node domain, const Wish& wish, Reading& reading, VmDefinition& vm) {
    const auto devices = domain.child("devices");
    reading.take(devices);
    take_what_every_vm_has(domain, reading);
    for (const auto node : devices.children()) {
        const std::string_view name = node.name();
        if (name == "interface") read_interface(node, wish, reading, vm);
        if (name == "hostdev") read_host_device(node, reading, vm);
        if (is_usual(node)) take_usual(node, reading);
    }
}

}  // namespace varve::domain_adoption
