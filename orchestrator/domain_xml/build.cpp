// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_xml/build.h"

#include "drivers/base/overloaded.h"
#include "orchestrator/domain_xml/interface.h"
#include "orchestrator/domain_xml/mark.h"
#include "orchestrator/domain_xml/text.h"

#include <pugixml.hpp>

#include <array>
#include <cstdint>
#include <set>
#include <sstream>
#include <string_view>

namespace varve::domain_xml {
namespace {

using base::Errc;
using base::fail;
using base::Overloaded;
using base::Result;

pugi::xml_node child_of(pugi::xml_node parent, const char* name) {
    auto child = parent.child(name);
    return child ? child : parent.append_child(name);
}

void remove_children(pugi::xml_node parent, const char* name) {
    while (parent.remove_child(name)) {}
}

void set_attribute(pugi::xml_node node, const char* name, const std::string& value) {
    auto attribute = node.attribute(name);
    if (!attribute) attribute = node.append_attribute(name);
    attribute = value.c_str();
}

void set_text(pugi::xml_node parent, const char* name, const std::string& text) { child_of(parent, name).text() = text.c_str(); }

std::string hexadecimal(std::uint16_t number, int digits) {
    constexpr std::string_view digit = "0123456789abcdef";
    std::string text(static_cast<std::size_t>(digits) + 2, '0');
    text[1] = 'x';
    for (auto place = text.rbegin(); place != text.rend() - 2; ++place, number = static_cast<std::uint16_t>(number >> 4U))
        *place = digit[number & 15U];
    return text;
}

class Builder {
public:
    explicit Builder(const Inputs& inputs) : inputs_(inputs) {}

    Result<std::string> run() {
        TRY(load());
        set_identity();
        set_size();
        TRY(set_boot());
        TRY(check_own_disks());
        TRY(add_disks());
        for (const auto& interface : inputs_.vm.interfaces) append_interface(devices_, interface, inputs_.type);
        if (is_qemu(inputs_.type)) tell_addresses();
        for (const auto& device : inputs_.vm.devices) add_host_device(device);
        if (inputs_.console_log) TRY(log_console(*inputs_.console_log));
        std::ostringstream text;
        document_.save(text, "  ", pugi::format_default | pugi::format_no_declaration);
        return std::move(text).str();
    }

private:
    Result<> load() {
        const auto source = inputs_.own_template.value_or(built_in_template(inputs_.type));
        const std::string whose = inputs_.own_template ? "the domain template of " + inputs_.vm.name.str() : "the built-in domain template";
        if (source.size() > largest_template) return fail(Errc::TooLarge, whose + " is longer than 1 MiB");
        const auto parsed = document_.load_buffer(source.data(), source.size());
        if (!parsed)
            return fail(Errc::InvalidArgument,
                        whose + " is not well-formed XML: " + parsed.description() + " at byte " + std::to_string(parsed.offset));
        domain_ = document_.document_element();
        if (std::string_view(domain_.name()) != "domain") return fail(Errc::InvalidArgument, whose + " is not a <domain>");
        devices_ = child_of(domain_, "devices");
        if (!domain_.attribute("type")) set_attribute(domain_, "type", std::string(name_of(inputs_.type)));
        return {};
    }

    void set_identity() {
        remove_children(domain_, "name");
        remove_children(domain_, "uuid");
        if (inputs_.vm.uuid) domain_.prepend_child("uuid").text() = inputs_.vm.uuid->str().c_str();
        domain_.prepend_child("name").text() = inputs_.vm.name.str().c_str();
        auto metadata = domain_.child("metadata");
        if (!metadata) metadata = domain_.insert_child_after("metadata", domain_.child(inputs_.vm.uuid ? "uuid" : "name"));
        const auto element = std::string(mark_prefix) + ":" + mark_element;
        remove_children(metadata, element.c_str());
        auto mark = metadata.append_child(element.c_str());
        set_attribute(mark, (std::string("xmlns:") + mark_prefix).c_str(), mark_namespace);
        set_attribute(mark, "name", inputs_.vm.name.str());
    }

    void set_size() {
        const auto set_memory = [&](const char* name, base::Bytes bytes) {
            set_text(domain_, name, std::to_string(bytes.count));
            set_attribute(domain_.child(name), "unit", "bytes");
        };
        set_memory("memory", inputs_.vm.memory.maximum);
        set_memory("currentMemory", inputs_.vm.memory.initial);
        set_text(domain_, "vcpu", std::to_string(inputs_.vm.vcpus));
        if (is_qemu(inputs_.type) && !domain_.child("cpu"))
            set_attribute(child_of(domain_, "cpu"), "mode", inputs_.type == DomainType::Kvm ? "host-passthrough" : "maximum");
    }

    Result<> set_boot() {
        auto os = child_of(domain_, "os");
        for (const auto* name : {"kernel", "initrd", "cmdline"}) remove_children(os, name);
        return std::visit(Overloaded{[&](const definitions::KernelBoot& boot) { return boot_kernel(os, boot); },
                                     [&](definitions::Firmware firmware) -> Result<> {
                                         boot_firmware(os, firmware);
                                         return {};
                                     }},
                          inputs_.vm.boot);
    }

    Result<> boot_kernel(pugi::xml_node os, const definitions::KernelBoot& boot) {
        TRY(check_text(boot.kernel.native(), "the path of the kernel"));
        if (inputs_.type == DomainType::Xen && !os.child("type")) {
            set_text(os, "type", "xenpvh");
            set_attribute(os.child("type"), "machine", "xenpvh");
        }
        set_text(os, "kernel", boot.kernel.native());
        if (boot.initramfs) {
            TRY(check_text(boot.initramfs->native(), "the path of the initramfs"));
            set_text(os, "initrd", boot.initramfs->native());
        }
        if (!boot.command_line.str().empty()) set_text(os, "cmdline", boot.command_line.str());
        return {};
    }

    void boot_firmware(pugi::xml_node os, definitions::Firmware firmware) {
        if (inputs_.type == DomainType::Xen && !os.child("type")) set_text(os, "type", "hvm");
        if (firmware == definitions::Firmware::Uefi && is_qemu(inputs_.type)) {
            set_attribute(os, "firmware", "efi");
            if (!os.child("type").attribute("machine")) set_attribute(os.child("type"), "machine", "q35");
        }
        if (!os.child("boot")) set_attribute(os.append_child("boot"), "dev", "hd");
    }

    Result<> check_own_disks() const {
        for (const auto disk : devices_.children("disk"))
            if (std::string_view(disk.child("driver").attribute("type").value()) != "raw")
                return fail(Errc::InvalidArgument,
                            "a <disk> in the domain template of " + inputs_.vm.name.str() +
                                " lacks <driver type='raw'/>: other formats and probing are not safe with what guests write");
        return {};
    }

    Result<> add_disks() {
        std::set<std::string> used;
        for (const auto disk : devices_.children("disk")) used.insert(disk.child("target").attribute("dev").value());
        bool scsi = false;
        for (const auto& disk : TRY(allot_targets(inputs_.disks, inputs_.type, std::move(used)))) {
            TRY(append_disk(devices_, disk, inputs_.type));
            scsi = scsi || disk.target.str().starts_with("sd");
        }
        if (scsi && is_qemu(inputs_.type) && !devices_.find_child_by_attribute("controller", "type", "scsi")) {
            auto controller = devices_.append_child("controller");
            set_attribute(controller, "type", "scsi");
            set_attribute(controller, "model", "virtio-scsi");
        }
        return {};
    }

    // Firmware configuration: the guest has it before it has a network, an agent or a disk. On Xen they are keys.
    void tell_addresses() {
        for (const auto& [index, address] : definitions::fixed_addresses(inputs_.vm.interfaces)) {
            auto information = domain_.find_child_by_attribute("sysinfo", "type", "fwcfg");
            if (!information) {
                information = domain_.insert_child_before("sysinfo", devices_);
                set_attribute(information, "type", "fwcfg");
            }
            auto entry = information.append_child("entry");
            set_attribute(entry, "name", "opt/org.varve-project/ip-" + std::to_string(index));
            entry.text() = address.str().c_str();
        }
    }

    void add_host_device(const definitions::ExtraDevice& device) {
        const auto add = [&](const char* type) {
            auto node = devices_.append_child("hostdev");
            set_attribute(node, "mode", "subsystem");
            set_attribute(node, "type", type);
            set_attribute(node, "managed", "yes");
            return node.append_child("source");
        };
        std::visit(Overloaded{[](const definitions::BlockAttachment&) { /* among the disks */ },
                              [&](const definitions::PciAddress& pci) {
                                  auto address = add("pci").append_child("address");
                                  set_attribute(address, "domain", hexadecimal(pci.domain, 4));
                                  set_attribute(address, "bus", hexadecimal(pci.bus, 2));
                                  set_attribute(address, "slot", hexadecimal(pci.slot, 2));
                                  set_attribute(address, "function", hexadecimal(pci.function, 1));
                              },
                              [&](const definitions::UsbId& usb) {
                                  // The built-in template has no USB; without a word about it libvirt makes a controller.
                                  if (auto none = devices_.find_child_by_attribute("controller", "model", "none"))
                                      devices_.remove_child(none);
                                  auto source = add("usb");
                                  set_attribute(source.append_child("vendor"), "id", hexadecimal(usb.vendor, 4));
                                  set_attribute(source.append_child("product"), "id", hexadecimal(usb.product, 4));
                              }},
                   device);
    }

    Result<> log_console(const std::filesystem::path& log) {
        TRY(check_text(log.native(), "the path of the console's log"));
        auto console = devices_.child("serial");
        if (!console) console = devices_.child("console");
        if (!console) {
            console = devices_.append_child("serial");
            set_attribute(console, "type", "pty");
        }
        auto node = child_of(console, "log");
        set_attribute(node, "file", log.native());
        set_attribute(node, "append", "off");
        return {};
    }

    const Inputs& inputs_;
    pugi::xml_document document_;
    pugi::xml_node domain_;
    pugi::xml_node devices_;
};

}  // namespace

Result<std::string> build(const Inputs& inputs) { return Builder(inputs).run(); }

}  // namespace varve::domain_xml
