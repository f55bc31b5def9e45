// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/definitions/samples.h"

namespace varve::definitions::tests {
namespace {

std::string change(const Definitions& all, const VmDefinition& vm) {
    const auto checked = check_change(all, vm);
    return checked ? "allowed" : checked.error().message();
}

std::string removal(const Definitions& all, std::string_view vm) {
    const auto checked = check_removable(all, vm_name(vm));
    return checked ? "allowed" : checked.error().message();
}

TEST(DefinitionRules, ATemplateMustBeOne) {
    const auto all = all_of({a_template("fedora"), a_dispvm_template("dvm", "fedora"), needing("alone", {})});
    EXPECT_EQ(change(all, an_app("work", "fedora")), "allowed");
    EXPECT_EQ(change(all, an_app("work", "alone")), "'work' cannot be so: 'alone' is not a template");
    EXPECT_EQ(change(all, an_app("work", "missing")), "'work' cannot be so: its template 'missing' does not exist");
    EXPECT_EQ(change(all, a_disposable("disp1", "dvm")), "allowed");
    EXPECT_EQ(change(all, a_disposable("disp1", "fedora")),
              "'disp1' cannot be so: 'fedora' is not a disposable template: 'template_for_dispvms' is off");
}

TEST(DefinitionRules, ACircleOfNeedsIsNamed) {
    const auto all = all_of({needing("b", {"c"}), needing("c", {"d", "a"}), needing("d", {})});
    EXPECT_EQ(change(all, needing("a", {"d", "b"})), "'a' cannot be so: VMs need each other in a circle: a needs b needs c needs a");
    EXPECT_EQ(change(all, needing("e", {"d"})), "allowed");
    EXPECT_EQ(change(all, needing("e", {"nobody", "d"})), "'e' cannot be so: it needs 'nobody', which does not exist");
}

TEST(DefinitionRules, ACircleThatOthersMakeDoesNotHang) {
    const auto all = all_of({needing("b", {"c"}), needing("c", {"b"})});
    EXPECT_TRUE(circle_of_needs(all, needing("a", {"b"})).empty());
}

TEST(DefinitionRules, AllThatIsWrongIsSaid) {
    auto vm = an_app("work", "missing");
    vm.needs.push_back(vm_name("nobody"));
    vm.default_dispvm = vm_name("work");
    EXPECT_EQ(change({}, vm),
              "'work' cannot be so: its template 'missing' does not exist; it needs 'nobody', which does not exist; "
              "its default_dispvm 'work' is not a disposable template");
}

TEST(DefinitionRules, WhatOthersDependOnStays) {
    auto asking = needing("asks", {});
    asking.default_dispvm = vm_name("dvm");
    const auto all =
        all_of({a_template("fedora"), a_dispvm_template("dvm", "fedora"), needing("net", {}), needing("work", {"net"}), asking});
    EXPECT_EQ(removal(all, "fedora"), "'fedora' is the template of 'dvm'");
    EXPECT_EQ(removal(all, "net"), "'net' is needed by 'work'");
    EXPECT_EQ(removal(all, "dvm"), "'dvm' is the default_dispvm of 'asks'");
    EXPECT_EQ(removal(all, "work"), "allowed");
}

TEST(DefinitionRules, WhatRunningVmsNeedRunsOn) {
    const auto all = all_of({needing("net", {}), needing("work", {"net"}), needing("play", {"net"}), needing("rest", {"work"})});
    std::set<std::string> running{"net", "rest"};
    const auto stop = [&](const Shown& shown = {}) {
        const auto checked = check_stoppable(
            all, vm_name("net"), [&](const base::VmName& vm) { return running.contains(vm.str()); }, shown);
        return checked ? "allowed" : checked.error().message();
    };
    EXPECT_EQ(stop(), "allowed") << "rest does not need it itself";
    running = {"net", "work", "play"};
    EXPECT_EQ(stop(), "'net' is needed by VMs that run ('play', 'work'): stop these first, or use --force");
    EXPECT_EQ(stop([](const base::VmName& vm) { return vm.str() == "work"; }),
              "'net' is needed by VMs that run ('work' and others): stop these first, or use --force");
}

TEST(DefinitionRules, ADisposableTemplateInUseStaysOne) {
    const auto all = all_of({a_template("fedora"), a_dispvm_template("dvm", "fedora"), a_disposable("disp1", "dvm")});
    EXPECT_EQ(change(all, an_app("dvm", "fedora")),
              "'disp1' starts from it: 'dvm' is not a disposable template: 'template_for_dispvms' is off");
    EXPECT_EQ(change(all, needing("fedora", {})), "'dvm' starts from it: 'fedora' is not a template");
}

TEST(DefinitionRules, AVmMayBeItsOwnDisposableTemplate) {
    auto vm = a_dispvm_template("dvm", "fedora");
    vm.default_dispvm = vm_name("dvm");
    EXPECT_EQ(change(all_of({a_template("fedora")}), vm), "allowed");
}

TEST(DefinitionRules, ReferencesFollowARename) {
    auto vm = an_app("work", "old");
    vm.needs = {vm_name("net"), vm_name("old")};
    vm.default_dispvm = vm_name("old");
    const auto after = renamed(vm, vm_name("old"), vm_name("new"));
    EXPECT_EQ(std::get<AppVm>(after.vm_class).template_vm, vm_name("new"));
    EXPECT_EQ(after.needs, (std::vector{vm_name("net"), vm_name("new")}));
    EXPECT_EQ(std::get<base::VmName>(after.default_dispvm), vm_name("new"));
    EXPECT_EQ(after.name, vm_name("work"));
}

}  // namespace
}  // namespace varve::definitions::tests
