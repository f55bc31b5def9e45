// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/control_tree.h"

#include "fs/control/json.h"
#include "fs/control/pool_values.h"
#include "fs/control/volume_values.h"
#include "fs/protocol/names.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace varve::control {

using base::Errc;
using base::fail;
using base::Result;

namespace {

template <class Value>
EntryType type_of(const Value& value) {
    return value.write != nullptr ? EntryType::WritableValue : EntryType::Value;
}

template <class Value>
const Value* named(std::span<const Value> values, std::string_view name) {
    const auto found = std::ranges::find(values, name, &Value::name);
    return found == values.end() ? nullptr : &*found;
}

std::vector<Entry> root_entries() {
    return {
        {std::string(protocol::root_file::version), EntryType::Value},    {std::string(protocol::root_file::ctl), EntryType::Command},
        {std::string(protocol::root_file::errors), EntryType::Value},     {std::string(protocol::root_file::events), EntryType::Stream},
        {std::string(protocol::root_file::operations), EntryType::Value}, {std::string(protocol::root_file::metrics), EntryType::Value}};
}

std::vector<Entry> pool_entries() {
    std::vector<Entry> entries;
    for (const auto& value : pool_values())
        entries.push_back({std::string(value.name), value.owners_only ? EntryType::OwnersValue : type_of(value)});
    return entries;
}

std::vector<Entry> vm_entries(const engine::Vm& vm) {
    std::vector<Entry> entries{{std::string(protocol::vm_file::ctl), EntryType::Command}};
    for (const auto all = vm.view(); const auto& [volume, view] : all->volumes)
        if (volume.str() != protocol::vm_file::ctl) entries.push_back({volume.str(), EntryType::Directory});  // that name is taken
    return entries;
}

// A started volume's, and one that needs no start.
Result<std::filesystem::path> device_of(const engine::VolumeRef& volume, const api::VolumeView& view) {
    const auto& driver = volume.vm->pool().driver();
    const bool started = view.session && view.session->phase == api::Session::Phase::Started;
    if (!started && !driver.capabilities().read_only)
        return fail(Errc::NotFound, volume.path().str() + " is not started and has no device");
    return driver.device(volume.path(), view);
}

std::vector<Entry> volume_entries(const engine::VolumeRef& volume) {
    const auto view = volume.view();
    if (!view) return {};
    std::vector<Entry> entries;
    for (const auto& value : volume_values()) entries.push_back({std::string(value.name), type_of(value)});
    if (view->session && view->session->phase == api::Session::Phase::Started) {
        entries.push_back({std::string(protocol::volume_file::device), EntryType::Link});
        if (view->session->base) entries.push_back({std::string(protocol::volume_file::base), EntryType::State});
    } else if (!view->session && device_of(volume, *view)) {
        entries.push_back({std::string(protocol::volume_file::device), EntryType::Link});
    }
    entries.push_back({std::string(protocol::volume_file::ctl), EntryType::Command});
    return entries;
}

base::Failure no_file(std::string_view name) { return fail(Errc::NotFound, "there is no control file " + std::string(name)); }

std::string errors_of(const engine::Failures& failures, uid_t user) {
    std::string text;
    for (const auto& failure : failures.all())
        if (user == 0 || failure.user == user) text += compact(failure_object(failure)) + "\n";
    return text;
}

std::string_view without_newline(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    return text;
}

}  // namespace

std::vector<Entry> ControlTree::entries(const Place& place) const {
    if (place.vm && place.volume) return volume_entries({place.vm, *place.volume});
    if (place.vm) return vm_entries(*place.vm);
    if (place.pool) return pool_entries();
    return root_entries();
}

std::optional<Entry> ControlTree::find(const Place& place, std::string_view name) const {
    for (auto& entry : entries(place))
        if (entry.name == name) return std::move(entry);
    return std::nullopt;
}

Result<std::string> ControlTree::read(const Place& place, std::string_view name, uid_t user) const {
    if (place.vm && place.volume) {
        const engine::VolumeRef volume{place.vm, *place.volume};
        const auto view = volume.view();
        if (!view) return fail(Errc::NotFound, "there is no volume " + volume.path().str());
        const auto* value = named(volume_values(), name);
        return value != nullptr ? value->read(volumes_, volume, *view) : no_file(name);
    }
    if (place.vm) return no_file(name);
    if (place.pool) {
        const auto* value = named(pool_values(), name);
        return value != nullptr ? value->read(*place.pool, {administration_, volumes_}) : no_file(name);
    }
    if (name == protocol::root_file::version) return std::string("varve " VARVE_VERSION "\n") + about_();
    if (name == protocol::root_file::errors) return errors_of(failures_, user);
    if (name == protocol::root_file::operations) return activity_.running.lines();
    if (name == protocol::root_file::metrics) return activity_.metrics.text();
    return no_file(name);
}

Result<std::string> ControlTree::link(const Place& place, std::string_view name) const {
    if (!place.vm || !place.volume || name != protocol::volume_file::device) return no_file(name);
    const engine::VolumeRef volume{place.vm, *place.volume};
    const auto view = volume.view();
    if (!view) return fail(Errc::NotFound, "there is no volume " + volume.path().str());
    return TRY(device_of(volume, *view)).string();
}

Result<> ControlTree::write(const Place& place, std::string_view name, std::string_view text) {
    const auto entry = find(place, name);
    if (!entry) return no_file(name);
    if (entry->type != EntryType::WritableValue) return fail(Errc::Denied, std::string(name) + " is no value that can be written");
    if (place.volume) return named(volume_values(), name)->write(volumes_, {place.vm, *place.volume}, without_newline(text));
    return named(pool_values(), name)->write(*place.pool, without_newline(text));
}

}  // namespace varve::control
