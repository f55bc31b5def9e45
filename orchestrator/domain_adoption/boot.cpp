// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_adoption/parts.h"
#include "orchestrator/mount_client/reference.h"

#include <algorithm>
#include <array>

namespace varve::domain_adoption {
namespace {

using base::Bytes;
using definitions::VmDefinition;
using mount_client::shown;

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};

// As libvirt reads them: without one it is KiB.
constexpr std::array<Unit, 15> units{{{"", 1ULL << 10},
                                      {"b", 1},
                                      {"bytes", 1},
                                      {"KB", 1000},
                                      {"k", 1ULL << 10},
                                      {"KiB", 1ULL << 10},
                                      {"MB", 1000ULL * 1000},
                                      {"M", 1ULL << 20},
                                      {"MiB", 1ULL << 20},
                                      {"GB", 1000ULL * 1000 * 1000},
                                      {"G", 1ULL << 30},
                                      {"GiB", 1ULL << 30},
                                      {"TB", 1000ULL * 1000 * 1000 * 1000},
                                      {"T", 1ULL << 40},
                                      {"TiB", 1ULL << 40}}};

std::optional<Bytes> memory_in(pugi::xml_node domain, const char* name, Reading& reading) {
    const auto node = domain.child(name);
    reading.take(node, {"unit"});
    const auto* const unit = std::ranges::find(units, value_of(node, "unit"), &Unit::name);
    const auto number = unit == units.end() ? std::nullopt : number_in(text_of(node), definitions::most_memory.count / unit->bytes);
    if (number && *number * unit->bytes >= definitions::least_memory.count) return Bytes{*number * unit->bytes};
    reading.problem("<" + std::string(name) + "> is not an amount of memory from 1 MiB to 64 TiB");
    return std::nullopt;
}

std::optional<std::filesystem::path> host_path(pugi::xml_node node, Reading& reading) {
    reading.take(node);
    std::filesystem::path path(text_of(node));
    if (path.is_absolute()) return path;
    reading.problem("<" + std::string(node.name()) + "> '" + shown(path.native()) + "' is not an absolute path");
    return std::nullopt;
}

void read_kernel(pugi::xml_node os, Reading& reading, VmDefinition& vm) {
    auto kernel = host_path(os.child("kernel"), reading);
    std::optional<std::filesystem::path> initramfs;
    if (const auto node = os.child("initrd"); !node.empty()) initramfs = host_path(node, reading);
    const auto words = os.child("cmdline");
    reading.take(words);
    const auto line = reading.check("<cmdline>", definitions::TextLine::parse(text_of(words)));
    if (kernel && line) vm.boot = definitions::KernelBoot{std::move(*kernel), std::move(initramfs), *line};
}

void read_firmware(pugi::xml_node os, Reading& reading, VmDefinition& vm) {
    const auto loader = os.child("loader");
    const bool uefi = value_of(os, "firmware") == "efi" || value_of(loader, "type") == "pflash";
    if (!uefi) return;
    vm.boot = definitions::Firmware::Uefi;
    reading.take(os, {"firmware"});
    reading.leave(loader, "libvirt chooses the UEFI firmware");
    reading.leave(os.child("firmware"), "libvirt chooses the UEFI firmware");
    reading.leave(
        os.child("nvram"),
        "the UEFI variables are not copied: libvirt keeps a file of them for each name, so that a VM of the domain's name may find "
        "them again, and one of another name begins with none");
}

void check_type(pugi::xml_node domain, Reading& reading) {
    const auto type = domain.child("os").child("type");
    reading.take(type);
    reading.leave(type, "machine",
                  "the VM has the newest machine of libvirt's default: pc, with UEFI q35; the guest's names of network "
                  "interfaces may change");
    if (text_of(type) != "hvm")
        reading.problem("its guest is of the type '" + shown(text_of(type)) + "': only hvm ones, with a machine of their own, are adopted");
    reading.take(type, {"arch"});
    const auto kind = value_of(domain, "type");
    const auto architecture = value_of(type, "arch");
    if ((kind == "kvm" || kind == "qemu") && architecture != "x86_64" && !architecture.empty())
        reading.problem("its processor is " + shown(architecture) + ": VMs are x86_64");
}

// Those that it has at its start are those it has.
void read_processors(pugi::xml_node node, Reading& reading, VmDefinition& vm) {
    if (node.empty()) return;
    reading.take(node, {"placement"});
    const auto at_start = value_of(node, "current");
    const auto count = number_in(at_start.empty() ? text_of(node) : at_start, definitions::most_vcpus);
    if (!count || *count == 0) return reading.problem("<vcpu> is not a number from 1 to " + std::to_string(definitions::most_vcpus));
    reading.leave(node, "current", "the VM has these processors, and no more can be plugged in");
    vm.vcpus = static_cast<std::uint32_t>(*count);
}

}  // namespace

void read_size(pugi::xml_node domain, Reading& reading, VmDefinition& vm) {
    const auto maximum = memory_in(domain, "memory", reading);
    const auto initial = domain.child("currentMemory").empty() ? maximum : memory_in(domain, "currentMemory", reading);
    if (initial && maximum) vm.memory = {std::min(*initial, *maximum), *maximum};
    read_processors(domain.child("vcpu"), reading, vm);
}

void read_boot(pugi::xml_node domain, Reading& reading, VmDefinition& vm) {
    const auto os = domain.child("os");
    reading.take(os);
    check_type(domain, reading);
    if (const auto disk = os.find_child_by_attribute("boot", "dev", "hd"); !disk.empty()) reading.take(disk, {"dev"});
    if (!os.child("kernel").empty())
        read_kernel(os, reading, vm);
    else
        read_firmware(os, reading, vm);
}

}  // namespace varve::domain_adoption
