// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/overloaded.h"
#include "drivers/settings/scalars.h"
#include "drivers/settings/text.h"
#include "drivers/settings/toml_document.h"
#include "orchestrator/definitions/definition_text.h"
#include "orchestrator/definitions/keys.h"
#include "orchestrator/definitions/scalars.h"

#include <algorithm>

namespace varve::definitions {
namespace {

using base::Overloaded;
using settings::Integer;
using settings::Table;
using settings::Texts;
using settings::Value;

void put(Table& table, std::string_view key, Value value) { table.entries.push_back({std::string(key), std::move(value), 0}); }

template <class Name>
void put_name(Table& table, std::string_view key, const std::optional<Name>& name) {
    if (name) put(table, key, name->str());
}

Table inner(std::string_view name, bool listed) {
    Table table;
    table.name = name;
    table.listed = listed;
    return table;
}

void write_class(const VmDefinition& vm, Table& table) {
    put(table, key::vm_class, std::string(class_name(vm)));
    if (const auto* template_vm = template_of(vm)) put(table, key::template_vm, template_vm->str());
    if (const auto* disposables = disposables_of(vm)) {
        put(table, key::template_for_dispvms, true);
        if (disposables->preload_max) put(table, key::preload_max, Integer{*disposables->preload_max});
        if (disposables->preload_delay) put(table, key::preload_delay, refill_delay_value(*disposables->preload_delay));
    }
    const auto* disposable = std::get_if<DisposableVm>(&vm.vm_class);
    if (disposable != nullptr && disposable->auto_cleanup) put(table, key::auto_cleanup, true);
}

void write_boot(const Boot& boot, Table& table) {
    auto section = inner(key::boot, false);
    std::visit(
        Overloaded{
            [&](const KernelBoot& kernel) {
                put(section, key::kernel, kernel.kernel.string());
                if (kernel.initramfs) put(section, key::initramfs, kernel.initramfs->string());
                if (!kernel.command_line.str().empty()) put(section, key::command_line, kernel.command_line.str());
            },
            [&](Firmware firmware) { put(section, key::firmware, std::string(firmware == Firmware::Uefi ? word::uefi : word::bios)); },
        },
        boot);
    table.tables.push_back(std::move(section));
}

void write_readiness(const Readiness& readiness, Table& table) {
    if (readiness == Readiness{}) return;
    auto section = inner(key::readiness, false);
    std::visit(Overloaded{
                   [&](NoReadiness) { put(section, key::signal, std::string(word::none)); },
                   [&](XenstoreReady) { put(section, key::signal, std::string(word::xenstore)); },
                   [&](AgentReady) { put(section, key::signal, std::string(word::agent)); },
                   [&](const SerialLineReady& serial) {
                       put(section, key::signal, std::string(word::serial));
                       put(section, key::line, serial.line.str());
                   },
               },
               readiness.signal);
    put(section, key::deadline, settings::duration_text(readiness.deadline));
    table.tables.push_back(std::move(section));
}

void write_volumes(const VmDefinition& vm, Table& table) {
    for (const auto& volume : vm.volumes) {
        auto section = inner(key::volume, true);
        put(section, key::name, volume.volume.str());
        put(section, key::pool, volume.pool.str());
        put_name(section, key::target, volume.target);
        if (!volume.rw) put(section, key::rw, false);
        table.tables.push_back(std::move(section));
    }
}

void write_devices(const VmDefinition& vm, Table& table) {
    for (const auto& device : vm.devices) {
        auto section = inner(key::device, true);
        std::visit(Overloaded{
                       [&](const BlockAttachment& block) {
                           put(section, key::path, block.path.string());
                           put_name(section, key::target, block.target);
                           if (block.rw) put(section, key::rw, true);
                       },
                       [&](const PciAddress& address) { put(section, key::pci, text_of(address)); },
                       [&](const UsbId& id) { put(section, key::usb, text_of(id)); },
                   },
                   device);
        table.tables.push_back(std::move(section));
    }
}

void write_interfaces(const VmDefinition& vm, Table& table) {
    for (const auto& interface : vm.interfaces) {
        auto section = inner(key::interface, true);
        std::visit(Overloaded{
                       [&](const NetworkName& network) { put(section, key::network, network.str()); },
                       [&](const BridgeName& bridge) { put(section, key::bridge, bridge.str()); },
                   },
                   interface.source);
        put_name(section, key::mac, interface.mac);
        put_name(section, key::ip, interface.ip);
        table.tables.push_back(std::move(section));
    }
}

template <class Names>
Texts texts_in(const Names& names) {
    Texts texts;
    texts.reserve(names.size());
    for (const auto& name : names) texts.push_back(name.str());
    return texts;
}

void write_references(const VmDefinition& vm, Table& table) {
    if (!vm.needs.empty()) put(table, key::needs, texts_in(vm.needs));
    if (!vm.tags.empty()) put(table, key::tags, texts_in(vm.tags));
    if (std::holds_alternative<NoDisposables>(vm.default_dispvm)) put(table, key::default_dispvm, std::string(word::none));
    if (const auto* name = std::get_if<base::VmName>(&vm.default_dispvm)) put(table, key::default_dispvm, name->str());
}

void write_features(const VmDefinition& vm, Table& table) {
    if (vm.features.empty()) return;
    auto section = inner(key::features, false);
    for (const auto& [name, text] : vm.features) put(section, name.str(), text.str());
    table.tables.push_back(std::move(section));
}

void set_entry(Table& table, std::string_view key, std::string_view value) {
    std::erase_if(table.entries, [&](const settings::Entry& entry) { return entry.key == key; });
    if (!value.empty()) put(table, key, settings::Word{std::string(value)});
}

Table& section_of(Table& table, std::string_view name) {
    const auto found = std::ranges::find_if(table.tables, [&](const Table& each) { return each.name == name && !each.listed; });
    if (found != table.tables.end()) return *found;
    table.tables.push_back(inner(name, false));
    return table.tables.back();
}

base::Result<> apply(Table& table, const Change& change) {
    const auto dot = change.key.find('.');
    const auto head = change.key.substr(0, dot);
    if (head == key::volume || head == key::device || head == key::interface)
        return base::fail(base::Errc::InvalidArgument, "'" + head + "' is a list of tables and not set this way: edit the definition");
    if (dot == std::string::npos) {
        set_entry(table, change.key, change.value);
        return {};
    }
    auto& section = section_of(table, head);
    set_entry(section, change.key.substr(dot + 1), change.value);
    if (section.entries.empty()) std::erase_if(table.tables, [&](const Table& each) { return each.name == head; });
    return {};
}

}  // namespace

Table to_table(const VmDefinition& vm) {
    Table table;
    write_class(vm, table);
    put_name(table, key::uuid, vm.uuid);
    put_name(table, key::hypervisor, vm.hypervisor);
    put(table, key::memory, settings::amount_text(vm.memory.initial));
    if (vm.memory.maximum != vm.memory.initial) put(table, key::maxmem, settings::amount_text(vm.memory.maximum));
    put(table, key::vcpus, Integer{vm.vcpus});
    write_references(vm, table);
    if (vm.domain_xml) put(table, key::domain_xml, vm.domain_xml->string());
    write_boot(vm.boot, table);
    write_readiness(vm.readiness, table);
    write_features(vm, table);
    write_volumes(vm, table);
    write_devices(vm, table);
    write_interfaces(vm, table);
    return table;
}

std::string to_toml(const VmDefinition& vm) { return settings::to_toml(to_table(vm)); }

base::Result<VmDefinition> with_changes(const base::VmName& name, Table table, const std::vector<Change>& changes) {
    for (const auto& change : changes) TRY(apply(table, change));
    auto changed = from_table(name, table);
    if (!changed) return base::fail(base::Errc::InvalidArgument, settings::in_one_line(changed.error()));
    return *std::move(changed);
}

base::Result<VmDefinition> with_changes(const VmDefinition& vm, const std::vector<Change>& changes) {
    return with_changes(vm.name, to_table(vm), changes);
}

}  // namespace varve::definitions
