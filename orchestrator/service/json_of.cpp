// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/json_of.h"

#include "drivers/base/overloaded.h"
#include "drivers/settings/text.h"
#include "orchestrator/definitions/definition_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace varve::service {
namespace {

using nlohmann::json;
using settings::Table;
using settings::Value;

json value_json(const Value& value) {
    return std::visit(base::Overloaded{
                          [](const std::string& text) { return json(text); },
                          [](const settings::Integer& integer) { return json(integer.value); },
                          [](bool on) { return json(on); },
                          [](const settings::Word& word) { return json(word.text); },
                          [](const settings::Texts& texts) { return json(texts); },
                          [](const settings::Unusable&) { return json(); },
                      },
                      value);
}

json table_json(const Table& table) {
    auto object = json::object();
    for (const auto& [key, value, line] : table.entries) object[key] = value_json(value);
    for (const auto& inner : table.tables) {
        if (inner.listed)
            object[inner.name].push_back(table_json(inner));
        else
            object[inner.name] = table_json(inner);
    }
    return object;
}

base::Failure unusable(const std::string& key) {
    return base::fail(
        base::Errc::InvalidArgument,
        settings::quote(key) + ": expected a string, a whole number, true, false, a list of strings, an object or a list of objects");
}

base::Result<Value> value_of(const std::string& key, const json& value) {
    if (value.is_string()) return Value(value.get<std::string>());
    if (value.is_boolean()) return Value(value.get<bool>());
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) return unusable(key);
    if (value.is_number_integer()) return Value(settings::Integer{value.get<std::int64_t>()});
    if (!value.is_array() || !std::ranges::all_of(value, [](const json& each) { return each.is_string(); })) return unusable(key);
    return Value(value.get<settings::Texts>());
}

base::Result<Table> named_table(const std::string& name, bool listed, const json& object) {
    auto table = TRY(table_of(object));
    table.name = name;
    table.listed = listed;
    return table;
}

json volumes_json(const std::vector<vm::StoppedVolume>& volumes) {
    auto list = json::array();
    for (const auto& [volume, committed, revision] : volumes)
        list.push_back({{"volume", volume.str()}, {"committed", committed}, {"revision", revision}});
    return list;
}

json stages_json(const std::vector<vm::StageTiming>& stages) {
    auto list = json::array();
    for (const auto& [stage, took] : stages) list.push_back({{"stage", vm::name_of(stage)}, {"microseconds", took.count()}});
    return list;
}

std::string_view what_happened(vm::StageEvent::What what) {
    switch (what) {
        case vm::StageEvent::What::Began: return "began";
        case vm::StageEvent::What::Done: return "done";
        case vm::StageEvent::What::Failed: return "failed";
        case vm::StageEvent::What::Undone: return "undone";
    }
    return "";
}

}  // namespace

json json_of(const definitions::VmDefinition& vm) { return table_json(definitions::to_table(vm)); }

base::Result<Table> table_of(const json& object) {
    Table table;
    for (const auto& [key, value] : object.items()) {
        if (value.is_object()) {
            table.tables.push_back(TRY(named_table(key, false, value)));
        } else if (value.is_array() && !value.empty() && std::ranges::all_of(value, [](const json& each) { return each.is_object(); })) {
            for (const auto& each : value) table.tables.push_back(TRY(named_table(key, true, each)));
        } else {
            auto read = TRY(value_of(key, value));
            table.entries.push_back({key, std::move(read), 0});
        }
    }
    return table;
}

json summary_of(const definitions::VmDefinition& vm, const vm::VmInfo& info) {
    auto tags = json::array();
    for (const auto& tag : vm.tags) tags.push_back(tag.str());
    const auto* template_vm = definitions::template_of(vm);
    return {{"vm", vm.name.str()},
            {"class", definitions::class_name(vm)},
            {"template", template_vm == nullptr ? json() : json(template_vm->str())},
            {"state", vm::name_of(info.state)},
            {"trouble", info.trouble},
            {"tags", std::move(tags)}};
}

json json_of(const vm::StartReport& report) {
    auto needed = json::array();
    for (const auto& each : report.needed) needed.push_back(json_of(each));
    return {{"vm", report.vm.str()}, {"stages", stages_json(report.stages)}, {"needed", std::move(needed)}, {"findings", report.findings}};
}

json json_of(const vm::StopReport& report) {
    return {{"vm", report.vm.str()},
            {"killed", report.killed},
            {"stages", stages_json(report.stages)},
            {"volumes", volumes_json(report.volumes)}};
}

json json_of(const vm::CommitReport& report) {
    return {{"vm", report.vm.str()},
            {"frozen", report.frozen},
            {"not_frozen", report.not_frozen},
            {"volumes", volumes_json(report.volumes)}};
}

json json_of(const vm::StageEvent& event) {
    return {{"vm", event.vm.str()},
            {"stage", vm::name_of(event.stage)},
            {"what", what_happened(event.what)},
            {"microseconds", event.took.count()},
            {"remark", event.remark}};
}

json json_of(const vm::VmEvent& event) { return {{"vm", event.vm.str()}, {"state", vm::name_of(event.state)}, {"reason", event.reason}}; }

json json_of(const std::vector<vm::DiskInfo>& disks) {
    auto list = json::array();
    for (const auto& [target, source, read_only] : disks)
        list.push_back({{"target", target.str()}, {"source", source.string()}, {"read_only", read_only}});
    return list;
}

}  // namespace varve::service
