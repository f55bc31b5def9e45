// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/scalars.h"
#include "drivers/settings/table_reader.h"
#include "drivers/settings/toml_document.h"
#include "orchestrator/definitions/definition_text.h"
#include "orchestrator/definitions/keys.h"
#include "orchestrator/definitions/scalars.h"

#include <algorithm>
#include <utility>

namespace varve::definitions {
namespace {

using base::Result;
using settings::Mistakes;
using settings::Table;
using settings::TableReader;
using settings::Value;

// Sets the target where the key is there and good.
template <class Target, class Read>
void read_into(TableReader& reader, std::string_view key, Target& target, const Read& read) {
    if (auto value = reader.value(key, read)) target = *std::move(value);
}

std::optional<DisposableSettings> read_disposables(TableReader& reader) {
    DisposableSettings found;
    const bool on = reader.value(key::template_for_dispvms, switch_value).value_or(false);
    read_into(reader, key::preload_max, found.preload_max, preload_count);
    read_into(reader, key::preload_delay, found.preload_delay, refill_delay);
    if (on) return found;
    for (const auto each : {key::preload_max, key::preload_delay})
        if (reader.has(each)) reader.note(each, "only a VM with 'template_for_dispvms = true' has preloaded disposables");
    return std::nullopt;
}

std::optional<VmClass> read_class(TableReader& reader) {
    static constexpr std::string_view expected = "\"template\", \"app\", \"standalone\" or \"disposable\"";
    const auto read_word = [](const Value& value) -> Result<std::string> {
        auto text = TRY(settings::text_of(value, expected));
        if (text != "template" && text != "app" && text != "standalone" && text != "disposable")
            return settings::unexpected(expected, value);
        return text;
    };
    const auto word = reader.required(key::vm_class, read_word, expected);
    const bool has_template = word && (*word == "app" || *word == "disposable");
    const auto template_vm =
        has_template ? reader.required(key::template_vm, name_in<base::VmName>) : reader.value(key::template_vm, name_in<base::VmName>);
    auto disposables = read_disposables(reader);
    const bool auto_cleanup = reader.value(key::auto_cleanup, switch_value).value_or(false);
    if (!word) return std::nullopt;
    if (!has_template && reader.has(key::template_vm)) reader.note(key::template_vm, "only an app VM or a disposable has one");
    if (*word != "app" && disposables) reader.note(key::template_for_dispvms, "only an app VM can be a disposable template");
    if (*word != "disposable" && auto_cleanup) reader.note(key::auto_cleanup, "only a disposable is removed when it has shut down");
    if (*word == "template") return TemplateVm{};
    if (*word == "standalone") return StandaloneVm{};
    if (!template_vm) return std::nullopt;
    if (*word == "app") return AppVm{*template_vm, std::move(disposables)};
    return DisposableVm{*template_vm, auto_cleanup};
}

void read_memory(TableReader& reader, Memory& memory) {
    read_into(reader, key::memory, memory.initial, memory_size);
    const auto maximum = reader.value(key::maxmem, memory_size);
    if (maximum && *maximum < memory.initial) reader.note(key::maxmem, "it is less than 'memory'");
    memory.maximum = maximum.value_or(memory.initial);
}

void read_boot(const Table& table, Boot& boot, Mistakes& mistakes, bool& good) {
    TableReader reader(table, "boot.", mistakes);
    const auto kernel = reader.value(key::kernel, settings::absolute_path);
    const auto initramfs = reader.value(key::initramfs, settings::absolute_path);
    const auto command_line = reader.value(key::command_line, name_in<TextLine>);
    const auto firmware = reader.value(key::firmware, firmware_name);
    for (const auto each : {key::initramfs, key::command_line})
        if (reader.has(each) && !reader.has(key::kernel)) reader.note(each, "it needs a 'kernel'");
    if (reader.has(key::kernel) && reader.has(key::firmware))
        reader.note(key::firmware, "a VM with a 'kernel' boots without firmware's help");
    const auto empty_line = TextLine::parse("");
    if (kernel && empty_line) boot = KernelBoot{*kernel, initramfs, command_line.value_or(*empty_line)};
    if (firmware) boot = *firmware;
    good = reader.finish() && good;
}

void read_readiness(const Table& table, Readiness& readiness, Mistakes& mistakes, bool& good) {
    TableReader reader(table, "readiness.", mistakes);
    const auto line = reader.value(key::line, name_in<TextLine>);
    const auto signal = reader.required(key::signal, [](const Value& value) -> Result<std::string> {
        constexpr std::string_view expected = "\"agent\", \"serial\", \"xenstore\" or \"none\"";
        auto text = TRY(settings::text_of(value, expected));
        if (text != word::agent && text != word::serial && text != word::xenstore && text != word::none)
            return settings::unexpected(expected, value);
        return text;
    });
    read_into(reader, key::deadline, readiness.deadline, settings::precise_duration);
    const bool serial = signal && *signal == word::serial;
    if (serial && !reader.has(key::line)) reader.note(key::line, "'serial' needs the line to wait for");
    if (line && line->str().empty()) reader.note(key::line, "the line to wait for is empty");
    if (signal && !serial && line) reader.note(key::line, "only 'serial' waits for a line");
    if (serial && line) readiness.signal = SerialLineReady{*line};
    if (signal && *signal == word::agent) readiness.signal = AgentReady{};
    if (signal && *signal == word::xenstore) readiness.signal = XenstoreReady{};
    good = reader.finish() && good;
}

void read_features(const Table& table, std::map<Feature, TextLine>& features, Mistakes& mistakes, bool& good) {
    TableReader reader(table, "features.", mistakes);
    for (const auto& entry : table.entries) {
        const auto name = mistakes.check(entry.line, "features", Feature::parse(entry.key));
        const auto text = reader.value(entry.key, name_in<TextLine>);
        if (name && text) features.emplace(*name, *text);
        good = good && name;
    }
    good = reader.finish() && good;
}

void read_volumes(TableReader& parent, std::vector<VolumeUse>& volumes, Mistakes& mistakes, bool& good) {
    for (const auto* table : parent.list(key::volume)) {
        TableReader reader(*table, "volume.", mistakes);
        const auto name = reader.required(key::name, name_in<base::VolumeName>);
        const auto pool = reader.required(key::pool, name_in<base::PoolName>);
        const auto target = reader.value(key::target, name_in<TargetName>);
        const bool rw = reader.value(key::rw, switch_value).value_or(true);
        if (name && std::ranges::find(volumes, *name, &VolumeUse::volume) != volumes.end())
            reader.note(key::name, "there is a volume of that name already");
        if (name && pool) volumes.push_back({*name, *pool, target, rw});
        good = reader.finish() && good;
    }
}

void read_devices(TableReader& parent, std::vector<ExtraDevice>& devices, Mistakes& mistakes, bool& good) {
    for (const auto* table : parent.list(key::device)) {
        TableReader reader(*table, "device.", mistakes);
        const auto path = reader.value(key::path, settings::absolute_path);
        const auto target = reader.value(key::target, name_in<TargetName>);
        const auto rw = reader.value(key::rw, switch_value);
        const auto pci = reader.value(key::pci, pci_address);
        const auto usb = reader.value(key::usb, usb_id);
        const int kinds = (reader.has(key::path) ? 1 : 0) + (reader.has(key::pci) ? 1 : 0) + (reader.has(key::usb) ? 1 : 0);
        if (kinds != 1) reader.note(key::path, "a device has exactly one of 'path', 'pci' and 'usb'");
        for (const auto each : {key::target, key::rw})
            if (reader.has(each) && !reader.has(key::path)) reader.note(each, "only a device with a 'path' has it");
        if (path) devices.emplace_back(BlockAttachment{*path, target, rw.value_or(false)});
        if (pci) devices.emplace_back(*pci);
        if (usb) devices.emplace_back(*usb);
        good = reader.finish() && good;
    }
}

void read_interfaces(TableReader& parent, std::vector<Interface>& interfaces, Mistakes& mistakes, bool& good) {
    for (const auto* table : parent.list(key::interface)) {
        TableReader reader(*table, "interface.", mistakes);
        const auto network = reader.value(key::network, name_in<NetworkName>);
        const auto bridge = reader.value(key::bridge, name_in<BridgeName>);
        const auto mac = reader.value(key::mac, name_in<MacAddress>);
        const auto ip = reader.value(key::ip, name_in<IpAddress>);
        if (reader.has(key::network) == reader.has(key::bridge))
            reader.note(key::network, "an interface has exactly one of 'network' and 'bridge'");
        if (network) interfaces.push_back({*network, mac, ip});
        if (bridge) interfaces.push_back({*bridge, mac, ip});
        good = reader.finish() && good;
    }
}

// No two disks of the guest may be called the same.
void check_targets(TableReader& reader, const VmDefinition& vm) {
    std::set<TargetName> seen;
    const auto add = [&](const std::optional<TargetName>& target) {
        if (target && !seen.insert(*target).second) reader.note(key::target, "two disks are called '" + target->str() + "'");
    };
    for (const auto& volume : vm.volumes) add(volume.target);
    for (const auto& device : vm.devices)
        if (const auto* block = std::get_if<BlockAttachment>(&device)) add(block->target);
}

void read_references(TableReader& reader, VmDefinition& vm) {
    read_into(reader, key::needs, vm.needs, vm_names);
    read_into(reader, key::default_dispvm, vm.default_dispvm, dispvm_choice);
    if (std::ranges::find(vm.needs, vm.name) != vm.needs.end()) reader.note(key::needs, "a VM cannot need itself");
    if (const auto* template_vm = template_of(vm); template_vm != nullptr && *template_vm == vm.name)
        reader.note(key::template_vm, "a VM cannot be its own template");
}

// Every key but the class's; false after a mistake in a table within.
bool read_rest(TableReader& reader, VmDefinition& vm, Mistakes& mistakes) {
    bool good = true;
    read_into(reader, key::uuid, vm.uuid, name_in<Uuid>);
    read_into(reader, key::hypervisor, vm.hypervisor, name_in<HypervisorUri>);
    read_memory(reader, vm.memory);
    read_into(reader, key::vcpus, vm.vcpus, vcpu_count);
    read_references(reader, vm);
    read_into(reader, key::tags, vm.tags, tag_set);
    read_into(reader, key::domain_xml, vm.domain_xml, settings::absolute_path);
    if (const auto* table = reader.table(key::boot)) read_boot(*table, vm.boot, mistakes, good);
    if (const auto* table = reader.table(key::readiness)) read_readiness(*table, vm.readiness, mistakes, good);
    if (const auto* table = reader.table(key::features)) read_features(*table, vm.features, mistakes, good);
    read_volumes(reader, vm.volumes, mistakes, good);
    read_devices(reader, vm.devices, mistakes, good);
    read_interfaces(reader, vm.interfaces, mistakes, good);
    check_targets(reader, vm);
    return reader.finish() && good;
}

}  // namespace

tl::expected<VmDefinition, std::vector<settings::Mistake>> from_table(const base::VmName& name, const Table& table) {
    Mistakes mistakes;
    TableReader reader(table, "", mistakes);
    auto vm_class = read_class(reader);
    // With a mistake in its class, the rest is read for its mistakes alone.
    VmDefinition vm{name, vm_class.value_or(StandaloneVm{})};
    const bool good = read_rest(reader, vm, mistakes);
    if (good && vm_class && mistakes.none()) return vm;
    return tl::unexpected(mistakes.take());
}

tl::expected<VmDefinition, std::vector<settings::Mistake>> parse(const base::VmName& name, std::string_view toml) {
    const auto table = settings::read_toml(toml);
    if (!table) return tl::unexpected(std::vector{table.error()});
    return from_table(name, *table);
}

}  // namespace varve::definitions
