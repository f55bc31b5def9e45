// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_xml/disk.h"

#include "orchestrator/domain_xml/text.h"

#include <pugixml.hpp>

#include <sstream>
#include <string_view>
#include <utility>

namespace varve::domain_xml {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using definitions::TargetName;

// The bus that a target's name stands for; empty: this hypervisor has none such.
std::string_view bus_of(std::string_view target, DomainType type) {
    if (target.starts_with("xvd")) return type == DomainType::Xen || type == DomainType::Test ? "xen" : "";
    if (target.starts_with("vd")) return type == DomainType::Xen ? "" : "virtio";
    if (target.starts_with("sd")) return "scsi";
    if (target.starts_with("hd")) return "ide";
    return "";
}

Result<> check_bus(const TargetName& target, DomainType type) {
    if (!bus_of(target.str(), type).empty()) return {};
    return fail(Errc::Unsupported, "a disk cannot be called " + target.str() + " on " + std::string(name_of(type)) +
                                       ": there they are called " + (type == DomainType::Xen ? "xvda, sda or hda" : "vda, sda or hda"));
}

// 0: "a", 25: "z", 26: "aa", as Linux counts disks.
std::string disk_letters(std::size_t number) {
    std::string letters;
    for (auto left = number + 1; left > 0; left = (left - 1) / 26)
        letters.insert(letters.begin(), static_cast<char>('a' + (left - 1) % 26));
    return letters;
}

Result<TargetName> first_free(DomainType type, const std::set<std::string>& used) {
    const std::string prefix = type == DomainType::Xen ? "xvd" : "vd";
    std::size_t number = 0;
    while (used.contains(prefix + disk_letters(number))) ++number;
    return TargetName::parse(prefix + disk_letters(number));
}

std::string_view driver_name(const Disk& disk, DomainType type) {
    if (is_qemu(type)) return "qemu";
    if (type == DomainType::Xen) return disk.kind == SourceKind::BlockDevice ? "phy" : "qemu";
    return "";
}

}  // namespace

Result<std::vector<Disk>> allot_targets(const std::vector<WantedDisk>& disks, DomainType type, std::set<std::string> used) {
    for (const auto& disk : disks) {
        if (!disk.target) continue;
        TRY(check_bus(*disk.target, type));
        if (!used.insert(disk.target->str()).second) return fail(Errc::Exists, "two disks are to be called " + disk.target->str());
    }
    std::vector<Disk> named;
    named.reserve(disks.size());
    for (const auto& disk : disks) {
        auto target = disk.target ? *disk.target : TRY(first_free(type, used));
        used.insert(target.str());
        named.push_back({std::move(target), disk.source, disk.kind, disk.read_only});
    }
    return named;
}

Result<> append_disk(pugi::xml_node& devices, const Disk& disk, DomainType type) {
    TRY(check_text(disk.source.native(), "the path of the disk " + disk.target.str()));
    if (!disk.source.is_absolute()) return fail(Errc::InvalidArgument, "the path of the disk " + disk.target.str() + " is not absolute");
    TRY(check_bus(disk.target, type));
    const bool block = disk.kind == SourceKind::BlockDevice;
    auto node = devices.append_child("disk");
    node.append_attribute("type") = block ? "block" : "file";
    node.append_attribute("device") = "disk";
    auto driver = node.append_child("driver");
    if (const auto name = driver_name(disk, type); !name.empty()) driver.append_attribute("name") = std::string(name).c_str();
    driver.append_attribute("type") = "raw";
    // What the guest trims becomes free on the host.
    if (is_qemu(type) && !disk.read_only) driver.append_attribute("discard") = "unmap";
    node.append_child("source").append_attribute(block ? "dev" : "file") = disk.source.c_str();
    auto target = node.append_child("target");
    target.append_attribute("dev") = disk.target.str().c_str();
    target.append_attribute("bus") = std::string(bus_of(disk.target.str(), type)).c_str();
    if (disk.read_only) node.append_child("readonly");
    return {};
}

Result<std::string> disk_xml(const Disk& disk, DomainType type) {
    pugi::xml_document document;
    TRY(append_disk(document, disk, type));
    std::ostringstream text;
    document.save(text, "  ", pugi::format_default | pugi::format_no_declaration);
    return std::move(text).str();
}

}  // namespace varve::domain_xml
