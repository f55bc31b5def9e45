// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/definitions/rules.h"

#include <algorithm>
#include <set>

namespace varve::definitions {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VmName;

bool is_shown(const VmName& name, const Shown& shown) { return !shown || shown(name); }

std::string listed(const std::vector<VmName>& names, const Shown& shown) {
    std::string text;
    for (const auto& name : names)
        if (is_shown(name, shown)) (text += text.empty() ? "'" : ", '").append(name.str()).append("'");
    const bool all = std::ranges::all_of(names, [&](const VmName& name) { return is_shown(name, shown); });
    return all ? text : text + (text.empty() ? "others" : " and others");
}

const VmDefinition* find(const Definitions& all, const VmName& name) {
    const auto found = all.find(name);
    return found == all.end() ? nullptr : &found->second;
}

std::string wrong_template(const Definitions& all, const VmDefinition& vm) {
    const auto* name = template_of(vm);
    if (name == nullptr) return "";
    const auto* template_vm = find(all, *name);
    if (template_vm == nullptr) return "its template '" + name->str() + "' does not exist";
    if (std::holds_alternative<DisposableVm>(vm.vm_class))
        return disposables_of(*template_vm) != nullptr
                   ? ""
                   : "'" + name->str() + "' is not a disposable template: 'template_for_dispvms' is off";
    return std::holds_alternative<TemplateVm>(template_vm->vm_class) ? "" : "'" + name->str() + "' is not a template";
}

// Depth first; `trail` is the way so far.
bool needs_itself(const Definitions& all, const VmDefinition& vm, const VmName& start, std::vector<VmName>& trail, std::set<VmName>& seen) {
    trail.push_back(vm.name);
    for (const auto& needed : vm.needs) {
        if (needed == start) {
            trail.push_back(needed);
            return true;
        }
        const auto* next = find(all, needed);
        if (next != nullptr && seen.insert(needed).second && needs_itself(all, *next, start, trail, seen)) return true;
    }
    trail.pop_back();
    return false;
}

template <class Holds>
std::vector<VmName> those(const Definitions& all, const VmName& but, const Holds& holds) {
    std::vector<VmName> names;
    for (const auto& [name, vm] : all)
        if (name != but && holds(vm)) names.push_back(name);
    return names;
}

std::vector<VmName> needing(const Definitions& all, const VmName& vm) {
    return those(all, vm, [&](const VmDefinition& other) { return std::ranges::find(other.needs, vm) != other.needs.end(); });
}

std::vector<VmName> asking_for_disposables_of(const Definitions& all, const VmName& vm) {
    return those(all, vm, [&](const VmDefinition& other) {
        const auto* chosen = std::get_if<VmName>(&other.default_dispvm);
        return chosen != nullptr && *chosen == vm;
    });
}

}  // namespace

std::vector<VmName> circle_of_needs(const Definitions& all, const VmDefinition& vm) {
    std::vector<VmName> trail;
    std::set<VmName> seen;
    (void)needs_itself(all, vm, vm.name, trail, seen);  // the trail says it
    return trail;
}

std::vector<std::string> wrong_references(const Definitions& all, const VmDefinition& vm, const Shown& shown) {
    std::vector<std::string> wrong;
    if (auto what = wrong_template(all, vm); !what.empty()) wrong.push_back(std::move(what));
    for (const auto& needed : vm.needs)
        if (find(all, needed) == nullptr) wrong.push_back("it needs '" + needed.str() + "', which does not exist");
    if (const auto circle = circle_of_needs(all, vm); !circle.empty()) {
        std::string what = "VMs need each other in a circle: ";
        for (std::size_t i = 0; i < circle.size(); ++i)
            what.append(i == 0 ? "" : " needs ").append(is_shown(circle[i], shown) ? circle[i].str() : "another VM");
        wrong.push_back(std::move(what));
    }
    if (const auto* chosen = std::get_if<VmName>(&vm.default_dispvm)) {
        const auto* dispvm = *chosen == vm.name ? &vm : find(all, *chosen);
        if (dispvm == nullptr)
            wrong.push_back("its default_dispvm '" + chosen->str() + "' does not exist");
        else if (disposables_of(*dispvm) == nullptr)
            wrong.push_back("its default_dispvm '" + chosen->str() + "' is not a disposable template");
    }
    return wrong;
}

std::vector<VmName> children_of(const Definitions& all, const VmName& vm) {
    return those(all, vm, [&](const VmDefinition& other) {
        const auto* template_vm = template_of(other);
        return template_vm != nullptr && *template_vm == vm;
    });
}

Result<> check_removable(const Definitions& all, const VmName& vm, const Shown& shown) {
    if (const auto children = children_of(all, vm); !children.empty())
        return fail(Errc::Busy, "'" + vm.str() + "' is the template of " + listed(children, shown));
    if (const auto others = needing(all, vm); !others.empty())
        return fail(Errc::Busy, "'" + vm.str() + "' is needed by " + listed(others, shown));
    if (const auto others = asking_for_disposables_of(all, vm); !others.empty())
        return fail(Errc::Busy, "'" + vm.str() + "' is the default_dispvm of " + listed(others, shown));
    return {};
}

Result<> check_stoppable(const Definitions& all, const VmName& vm, const std::function<bool(const VmName&)>& runs, const Shown& shown) {
    auto others = needing(all, vm);
    std::erase_if(others, [&](const VmName& other) { return !runs(other); });
    if (others.empty()) return {};
    return fail(Errc::Busy,
                "'" + vm.str() + "' is needed by VMs that run (" + listed(others, shown) + "): stop these first, or use --force");
}

Result<> check_change(const Definitions& all, const VmDefinition& changed, const Shown& shown) {
    if (const auto wrong = wrong_references(all, changed, shown); !wrong.empty()) {
        std::string what = "'" + changed.name.str() + "' cannot be so";
        for (const auto& each : wrong) what.append(&each == &wrong.front() ? ": " : "; ").append(each);
        return fail(Errc::InvalidArgument, std::move(what));
    }
    auto after = all;
    after.insert_or_assign(changed.name, changed);
    for (const auto& child : children_of(all, changed.name)) {
        const auto wrong = wrong_template(after, after.at(child));
        if (!wrong.empty())
            return fail(Errc::Busy, (is_shown(child, shown) ? "'" + child.str() + "'" : "another VM") + " starts from it: " + wrong);
    }
    if (const auto others = asking_for_disposables_of(all, changed.name); !others.empty() && disposables_of(changed) == nullptr)
        return fail(Errc::Busy, "'" + changed.name.str() + "' is the default_dispvm of " + listed(others, shown));
    return {};
}

VmDefinition renamed(VmDefinition vm, const VmName& from, const VmName& to) {
    const auto follow = [&](VmName& name) {
        if (name == from) name = to;
    };
    follow(vm.name);
    for (auto& needed : vm.needs) follow(needed);
    if (auto* chosen = std::get_if<VmName>(&vm.default_dispvm)) follow(*chosen);
    if (auto* app = std::get_if<AppVm>(&vm.vm_class)) follow(app->template_vm);
    if (auto* disposable = std::get_if<DisposableVm>(&vm.vm_class)) follow(disposable->template_vm);
    return vm;
}

}  // namespace varve::definitions
