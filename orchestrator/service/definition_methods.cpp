// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/toml_document.h"
#include "orchestrator/definitions/definition_text.h"
#include "orchestrator/service/arguments.h"
#include "orchestrator/service/json_of.h"
#include "orchestrator/service/methods.h"
#include "orchestrator/service/retirement.h"

#include <array>

namespace varve::service {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using definitions::VmDefinition;
using nlohmann::json;
using orchestrator::Verb;

constexpr std::array<std::string_view, 4> definition_parameters{"vm", "toml", "definition", "changes"};

Result<std::vector<definitions::Change>> read_changes(const json& object) {
    std::vector<definitions::Change> changes;
    for (const auto& [key, value] : object.items()) {
        if (!value.is_string()) return fail(Errc::InvalidArgument, "the values of 'changes' must be strings");
        changes.push_back({key, value.get<std::string>()});
    }
    return changes;
}

// From a TOML text, or an object with the same keys, or nothing; and what is to be different. `uuid`: unless they say another.
Result<VmDefinition> read_definition(const base::VmName& name, const Arguments& arguments, const definitions::Uuid& uuid) {
    if (arguments.has("toml") && arguments.has("definition"))
        return fail(Errc::InvalidArgument, "only one of the parameters 'toml' and 'definition' may be given");
    settings::Table table;
    if (arguments.has("toml")) {
        auto read = settings::read_toml(TRY(arguments.text("toml")));
        if (!read) return fail(Errc::InvalidArgument, settings::in_one_line({read.error()}));
        table = *std::move(read);
    }
    if (arguments.has("definition")) table = TRY(table_of(TRY(arguments.object("definition"))));
    std::vector<definitions::Change> changes;
    if (arguments.has("changes")) changes = TRY(read_changes(TRY(arguments.object("changes"))));
    auto vm = TRY(definitions::with_changes(name, std::move(table), changes));
    if (!vm.uuid) vm.uuid = uuid;
    return vm;
}

// Of a VM that stays the same to its hypervisor.
Result<VmDefinition> read_replacement(const VmDefinition& present, const Arguments& arguments) {
    const auto uuid = present.uuid ? *present.uuid : TRY(definitions::random_uuid());
    auto vm = TRY(read_definition(present.name, arguments, uuid));
    if (*vm.uuid == uuid) return vm;
    return fail(Errc::InvalidArgument, "the definition has the uuid " + vm.uuid->str() + ", and '" + present.name.str() + "' is " +
                                           uuid.str() + ": leave that line out");
}

}  // namespace

void add_definition_methods(rpc::MethodTable& methods, definitions::DefinitionStore& store, preloading::Preloading& preloading,
                            const Access& access) {
    methods.add("vm.create", rpc::Length::Long, [&](const json& params, const rpc::Call& call) -> Result<json> {
        const auto arguments = TRY(Arguments::of(params, definition_parameters));
        const auto name = TRY(arguments.name<base::VmName>("vm"));
        TRY(access.check(call.caller, Verb::Create, name));
        const auto vm = TRY(read_definition(name, arguments, TRY(definitions::random_uuid())));
        if (!store.find(name)) TRY(definitions::check_change(store.snapshot(), vm, access.shown_to(call.caller)));
        TRY(store.create(vm));
        return json_of(vm);
    });
    methods.add("vm.set", rpc::Length::Long, [&](const json& params, const rpc::Call& call) -> Result<json> {
        const auto arguments = TRY(Arguments::of(params, definition_parameters));
        const auto name = TRY(arguments.name<base::VmName>("vm"));
        TRY(access.check(call.caller, Verb::Change, name));
        if (arguments.has("toml") || arguments.has("definition")) {
            const auto vm = TRY(read_replacement(TRY(store.find(name)), arguments));
            const auto retired = TRY(retire_to_change(store, preloading, vm, access.shown_to(call.caller)));
            TRY(store.replace(vm));
            return json_of(vm);
        }
        const auto changes = TRY(read_changes(TRY(arguments.object("changes"))));
        const auto changed = TRY(definitions::with_changes(TRY(store.find(name)), changes));
        const auto retired = TRY(retire_to_change(store, preloading, changed, access.shown_to(call.caller)));
        return json_of(TRY(store.set(name, changes)));
    });
}

}  // namespace varve::service
