// SPDX-License-Identifier: LGPL-2.1-or-later
// Definitions that the tests begin with.
#pragma once

#include "orchestrator/definitions/definition_text.h"
#include "orchestrator/definitions/rules.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace varve::definitions::tests {

inline base::VmName vm_name(std::string_view text) { return base::VmName::parse(text).value(); }

inline std::string listed(const std::vector<settings::Mistake>& mistakes) {
    std::string text;
    for (const auto& [line, what] : mistakes) text += std::to_string(line) + ": " + what + "\n";
    return text;
}

// The definition; a failure of the test when it was refused.
inline VmDefinition accepted(std::string_view name, std::string_view toml) {
    auto vm = parse(vm_name(name), toml);
    if (vm) return *std::move(vm);
    ADD_FAILURE() << toml << "\nwas refused:\n" << listed(vm.error());
    return {vm_name(name), StandaloneVm{}};
}

inline base::Result<VmDefinition> with_key(const VmDefinition& vm, const std::string& key, const std::string& value) {
    return with_changes(vm, {{key, value}});
}

inline Definitions all_of(std::initializer_list<VmDefinition> list) {
    Definitions all;
    for (const auto& vm : list) all.emplace(vm.name, vm);
    return all;
}

inline VmDefinition a_template(std::string_view name) { return {vm_name(name), TemplateVm{}}; }
inline VmDefinition an_app(std::string_view name, std::string_view template_vm) { return {vm_name(name), AppVm{vm_name(template_vm), {}}}; }
inline VmDefinition a_dispvm_template(std::string_view name, std::string_view template_vm) {
    return {vm_name(name), AppVm{vm_name(template_vm), DisposableSettings{}}};
}
inline VmDefinition a_disposable(std::string_view name, std::string_view template_vm) {
    return {vm_name(name), DisposableVm{vm_name(template_vm), true}};
}
inline VmDefinition needing(std::string_view name, std::initializer_list<std::string_view> needs) {
    VmDefinition vm{vm_name(name), StandaloneVm{}};
    for (const auto need : needs) vm.needs.push_back(vm_name(need));
    return vm;
}

}  // namespace varve::definitions::tests
