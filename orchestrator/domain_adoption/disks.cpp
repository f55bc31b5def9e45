// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_adoption/parts.h"
#include "orchestrator/mount_client/reference.h"

#include <algorithm>
#include <array>
#include <limits>

namespace varve::domain_adoption {
namespace {

using definitions::TargetName;
using image_formats::Format;
using mount_client::shown;

constexpr auto no_order = std::numeric_limits<std::uint64_t>::max();

struct Disk {
    pugi::xml_node node;
    std::string target;
    std::string prefix;  // of the names that disks of its bus have here
    std::filesystem::path source;
    Format format = Format::Raw;
    bool read_only = false;
    std::uint64_t order = no_order;    // in which the guest tries to boot
    std::optional<TargetName> here{};  // its name here
};

// What a disk can say that makes its content another than what is in its one file.
struct Obstacle {
    const char* element;
    const char* why;
};
constexpr std::array<Obstacle, 3> obstacles{
    {{"encryption", "is encrypted"}, {"mirror", "is being copied by libvirt"}, {"slices", "is a part of its file"}}};

class DiskReader {
public:
    DiskReader(pugi::xml_node domain, const Wish& wish, Reading& reading, Plan& plan)
        : devices_(domain.child("devices")), xen_(value_of(domain, "type") == "xen"), wish_(wish), reading_(reading), plan_(plan) {}

    void run() {
        for (const auto node : devices_.children("disk")) read(node);
        for (const auto& [target, format] : wish_.formats)
            if (!seen_.contains(target)) reading_.problem("there is no disk '" + shown(target) + "' to give a format to");
        for (const auto& target : wish_.skip)
            if (!seen_.contains(target)) reading_.problem("there is no disk '" + shown(target) + "' to skip");
        if (disks_.size() > most_disks) return reading_.problem("it has more than " + std::to_string(most_disks) + " disks");
        std::ranges::stable_sort(disks_, {}, &Disk::order);
        name_disks();
        for (const auto& disk : disks_) add(disk);
        check_first();
    }

private:
    void read(pugi::xml_node node) {
        const auto target = value_of(node.child("target"), "dev");
        if (!seen_.insert(std::string(target)).second) return reading_.problem("two of its disks are called '" + shown(target) + "'");
        if (wish_.skip.contains(std::string(target))) return reading_.leave(node, "--skip leaves it out");
        const auto device = value_of(node, "device");
        if (device == "cdrom" || device == "floppy") return read_medium(node, device == "cdrom");
        if (!device.empty() && device != "disk") return refuse(target, "is a '" + shown(device) + "', whose content only the guest knows");
        auto source = source_of(node, target);
        const auto format = source ? format_of(node, target) : std::nullopt;
        if (format) take(node, target, std::move(*source), *format);
    }

    void refuse(std::string_view target, const std::string& why) {
        reading_.problem("its disk '" + shown(target) + "' " + why + "; --skip " + shown(target) + " leaves it out");
    }

    std::optional<std::filesystem::path> source_of(pugi::xml_node node, std::string_view target) {
        const auto type = value_of(node, "type");
        const auto source = node.child("source");
        if (type == "network") {
            refuse(target, "is on the network (" + shown(value_of(source, "protocol")) + "): copy it to a file of this host first");
            return std::nullopt;
        }
        if (type != "file" && type != "block") {
            refuse(target, "is of the type '" + shown(type) + "': files and block devices are copied");
            return std::nullopt;
        }
        if (!node.child("backingStore").child("source").empty()) {
            refuse(target, "is only what differs from a backing file: make it whole with 'qemu-img convert' where both are trusted");
            return std::nullopt;
        }
        for (const auto& [name, why] : obstacles)
            if (!node.child(name).empty() || !source.child(name).empty()) {
                refuse(target, why);
                return std::nullopt;
            }
        std::filesystem::path path(value_of(source, type == "block" ? "dev" : "file"));
        if (path.is_absolute()) return path;
        refuse(target, path.empty() ? "has no source" : "has '" + shown(path.native()) + "' for its source, which is not an absolute path");
        return std::nullopt;
    }

    std::optional<Format> format_of(pugi::xml_node node, std::string_view target) {
        const auto stated = value_of(node.child("driver"), "type");
        const auto given = wish_.formats.find(std::string(target));
        if (stated.empty() && given == wish_.formats.end()) {
            reading_.problem("its disk '" + shown(target) + "' does not say its format, and none is ever guessed: --format " +
                             shown(target) + "=raw or --format " + shown(target) + "=qcow2 does");
            return std::nullopt;
        }
        if (stated.empty()) return given->second;
        const auto format = image_formats::parse_format(stated);
        if (!format) {
            refuse(target, "is of the format '" + shown(stated) + "', which cannot be read: make it raw or qcow2 with 'qemu-img convert'");
            return std::nullopt;
        }
        if (given != wish_.formats.end() && given->second != *format) {
            reading_.problem("its disk '" + shown(target) + "' says that its format is " + shown(stated) + ": take --format away");
            return std::nullopt;
        }
        return *format;
    }

    // What disks of this bus are called here; an empty text: there is none such.
    [[nodiscard]] std::string prefix_of(std::string_view bus, std::string_view target) const {
        if (bus.empty()) {
            for (const auto* prefix : {"xvd", "vd", "sd", "hd"})
                if (target.starts_with(prefix)) return prefix;
            return "";
        }
        if (bus == "xen" || xen_) return bus == "scsi" ? "sd" : bus == "ide" ? "hd" : "xvd";
        if (bus == "virtio") return "vd";
        const auto* const firmware = std::get_if<definitions::Firmware>(&plan_.vm.boot);
        // The machine of UEFI guests has no IDE.
        if (bus == "ide" || bus == "sata") return firmware != nullptr && *firmware == definitions::Firmware::Uefi ? "sd" : "hd";
        return "sd";
    }

    void take(pugi::xml_node node, std::string_view target, std::filesystem::path source, Format format) {
        const auto bus = value_of(node.child("target"), "bus");
        Disk disk{node, std::string(target), prefix_of(bus, target), std::move(source), format, !node.child("readonly").empty()};
        if (disk.prefix.empty()) return refuse(target, "has a name that tells nothing of its bus");
        if (const auto order = number_in(value_of(node.child("boot"), "order"), UINT32_MAX)) disk.order = *order;
        if (disk.order != no_order) reading_.take(node.child("boot"), {"order"});
        reading_.take(node, {"type", "device"});
        reading_.take(node.child("driver"), {"name", "type"});
        reading_.take(node.child("source"), {"file", "dev", "index"});
        reading_.take(node.child("target"));
        reading_.take(node.child("readonly"));
        reading_.take(node.child("backingStore"));
        disks_.push_back(std::move(disk));
    }

    // Definitions have no drives, but disks that can only be read.
    void read_medium(pugi::xml_node node, bool cdrom) {
        const auto target = value_of(node.child("target"), "dev");
        if (node.child("source").empty()) return reading_.leave(node, "an empty drive, and definitions have none");
        if (!cdrom) return reading_.leave(node, "definitions have no floppy drives: varve vm attach gives the VM its medium as a disk");
        auto source = source_of(node, target);
        const auto format = source ? format_of(node, target) : std::nullopt;
        if (!format) return;
        if (*format != Format::Raw) return refuse(target, "is a medium that is not raw");
        reading_.take(node, {"type"});
        reading_.leave(node, "device", "definitions have no drives: its medium is a disk that can only be read");
        reading_.take(node.child("driver"), {"name", "type"});
        reading_.take(node.child("source"), {"file", "dev", "index"});
        reading_.take(node.child("readonly"));
        reading_.leave(node.child("target"), "the disk gets the first free name");
        plan_.vm.devices.emplace_back(definitions::BlockAttachment{std::move(*source), std::nullopt, false});
    }

    [[nodiscard]] static bool fits(const std::string& prefix, std::string_view name) {
        return name.starts_with(prefix) && (prefix != "hd" || (name.size() == last_ide.size() && name <= last_ide));
    }

    // The first one that nobody has; of the next bus when this one is full.
    [[nodiscard]] static std::string free_name(std::string& prefix, const std::set<std::string>& used) {
        constexpr std::size_t letters = 26;
        for (std::size_t number = 0;; ++number) {
            auto name = prefix;
            if (number >= letters) name += static_cast<char>('a' + number / letters - 1);
            name += static_cast<char>('a' + number % letters);
            if (!fits(prefix, name)) {
                prefix = "sd";
                return free_name(prefix, used);
            }
            if (!used.contains(name)) return name;
        }
    }

    // Those keep their names that can.
    void name_disks() {
        std::set<std::string> used;
        for (auto& disk : disks_)
            if (auto name = TargetName::parse(disk.target); name && fits(disk.prefix, disk.target)) {
                used.insert(disk.target);
                disk.here = std::move(*name);
            }
        for (auto& disk : disks_) {
            if (!disk.here)
                disk.here = reading_.check("its disk '" + shown(disk.target) + "'", TargetName::parse(free_name(disk.prefix, used)));
            if (disk.here) used.insert(disk.here->str());
            take_target(disk);
        }
    }

    void take_target(const Disk& disk) {
        const auto target = disk.node.child("target");
        if (!disk.here) return;
        if (disk.here->str() == disk.target)
            reading_.take(target, {"dev"});
        else
            reading_.leave(target, "dev", "the VM calls it " + disk.here->str());
        const std::string_view bus = disk.prefix == "vd" ? "virtio" : disk.prefix == "sd" ? "scsi" : disk.prefix == "hd" ? "ide" : "xen";
        if (value_of(target, "bus") == bus)
            reading_.take(target, {"bus"});
        else
            reading_.leave(target, "bus", "the VM has it on " + std::string(bus));
    }

    void add(const Disk& disk) {
        auto volume = reading_.check("its disk '" + shown(disk.target) + "'", base::VolumeName::parse(disk.target));
        if (!volume) return;
        plan_.vm.volumes.push_back({*volume, wish_.pool, disk.here, !disk.read_only});
        plan_.disks.push_back({disk.target, disk.source, disk.format, std::move(*volume)});
    }

    // A guest boots from the first disk of the bus that comes first, whatever order is asked for.
    void check_first() {
        if (disks_.empty() || !disks_.front().here || std::holds_alternative<definitions::KernelBoot>(plan_.vm.boot)) return;
        const auto& first = disks_.front();
        if (first.order == no_order) return;
        const auto place = [](const Disk& disk) { return std::pair(disk.here->str().size(), disk.here->str()); };
        for (const auto& disk : disks_)
            if (disk.here && disk.prefix == first.prefix && place(disk) < place(first))
                reading_.problem("it boots from its disk '" + shown(first.target) + "', and the VM would from '" + shown(disk.target) +
                                 "', which comes before: exchange their targets in the domain");
    }

    static constexpr std::string_view last_ide = "hdd";

    pugi::xml_node devices_;
    bool xen_;
    const Wish& wish_;
    Reading& reading_;
    Plan& plan_;
    std::set<std::string> seen_;
    std::vector<Disk> disks_;
};

}  // namespace

void read_disks(pugi::xml_node domain, const Wish& wish, Reading& reading, Plan& plan) { DiskReader(domain, wish, reading, plan).run(); }

}  // namespace varve::domain_adoption
