// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/disposables/request.h"

#include "tests/unit/definitions/samples.h"

namespace varve::disposables {
namespace {

using definitions::tests::a_disposable;
using definitions::tests::a_dispvm_template;
using definitions::tests::a_template;
using definitions::tests::all_of;
using definitions::tests::an_app;
using definitions::tests::vm_name;

class DisposableRequests : public testing::Test {
protected:
    std::string answer(const Wanted& wanted, const std::optional<std::string>& caller = {}) const {
        const auto vm = template_for(wanted, caller ? std::optional(vm_name(*caller)) : std::nullopt, all_, systems_);
        return vm ? vm->str() : vm.error().message();
    }
    static definitions::VmDefinition choosing(std::string_view name, const definitions::DefaultDispvm& choice) {
        auto vm = an_app(name, "fedora");
        vm.default_dispvm = choice;
        return vm;
    }
    static definitions::VmDefinition tagged(definitions::VmDefinition vm) {
        vm.tags.insert(definitions::Tag::parse("web").value());
        return vm;
    }

    definitions::Definitions all_ = all_of(
        {a_template("fedora"), a_dispvm_template("dvm", "fedora"), tagged(a_dispvm_template("web2", "fedora")),
         tagged(a_dispvm_template("web1", "fedora")), tagged(an_app("app", "fedora")), choosing("own", vm_name("web1")),
         choosing("never", definitions::NoDisposables{}), choosing("usual", definitions::SystemDefault{}), a_disposable("disp1", "web2")});
    std::optional<base::VmName> systems_ = vm_name("dvm");
};

TEST_F(DisposableRequests, ByName) {
    EXPECT_EQ(answer(vm_name("web1")), "web1");
    EXPECT_EQ(answer(vm_name("app")), "'app' is not a disposable template; 'template_for_dispvms = true' makes it one");
    EXPECT_EQ(answer(vm_name("nobody")), "there is no VM 'nobody'");
}

TEST_F(DisposableRequests, ByTag) {
    EXPECT_EQ(answer(definitions::Tag::parse("web").value()), "web1");
    EXPECT_EQ(answer(definitions::Tag::parse("mail").value()), "no disposable template has the tag 'mail'");
}

TEST_F(DisposableRequests, ByTheCallersDefault) {
    EXPECT_EQ(answer(TheDefault{}, "own"), "web1");
    EXPECT_EQ(answer(TheDefault{}, "usual"), "dvm");
    EXPECT_EQ(answer(TheDefault{}, "never"), "'never' has no disposables: its default_dispvm is \"none\"");
    EXPECT_EQ(answer(TheDefault{}), "dvm");
    systems_.reset();
    EXPECT_EQ(answer(TheDefault{}, "usual"), "no disposable template is named, and there is no 'default_dispvm'");
}

TEST_F(DisposableRequests, ADisposablesIsAlwaysItsTemplate) {
    EXPECT_EQ(answer(TheDefault{}, "disp1"), "web2");
    all_.at(vm_name("disp1")).default_dispvm = vm_name("dvm");
    EXPECT_EQ(answer(TheDefault{}, "disp1"), "web2");
}

}  // namespace
}  // namespace varve::disposables
