// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/disposables/make.h"

#include "tests/unit/definitions/samples.h"

namespace varve::disposables {
namespace {

using definitions::tests::accepted;
using definitions::tests::vm_name;

base::VolumeName volume(std::string_view name) { return base::VolumeName::parse(name).value(); }
TemplateVolume with(std::string_view name, std::variant<Keeps, StartsFrom, EmptyAtStart> kind) {
    return {{volume(name), base::PoolName::parse("p").value(), {}, true}, std::move(kind)};
}

TEST(DisposableVolumes, NoneKeepsAnything) {
    const Source of_fedora{{vm_name("fedora"), volume("root")}, base::RevisionId::parse("good").value()};
    const auto made =
        volumes_of(vm_name("dvm"), {with("root", StartsFrom{of_fedora}), with("private", Keeps{}), with("tmp", EmptyAtStart{{4096}})});
    ASSERT_EQ(made.size(), 3U);
    EXPECT_EQ(std::get<StartsFrom>(made[0].kind).source, of_fedora);
    EXPECT_EQ(std::get<StartsFrom>(made[1].kind).source, (Source{{vm_name("dvm"), volume("private")}, {}}));
    EXPECT_EQ(std::get<EmptyAtStart>(made[2].kind).size.count, 4096U);
    EXPECT_EQ(made[1].pool.str(), "p");
}

TEST(DisposableDefinition, InheritsAllButDevices) {
    const auto dvm =
        accepted("dvm",
                 "class = \"app\"\ntemplate = \"fedora\"\ntemplate_for_dispvms = true\npreload-dispvm-max = 2\nmemory = \"2G\"\n"
                 "uuid = \"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"\nneeds = [\"net\"]\ntags = [\"x\"]\ndefault_dispvm = \"other\"\n"
                 "[features]\na = \"b\"\n[[volume]]\nname = \"root\"\npool = \"p\"\n[[device]]\nusb = \"1d6b:0002\"\n"
                 "[[interface]]\nnetwork = \"default\"\nmac = \"52:54:00:12:34:56\"\n");
    const auto made = disposable_of(dvm, vm_name("disp7"), true).value();
    auto expected = dvm;
    expected.name = vm_name("disp7");
    expected.vm_class = definitions::DisposableVm{vm_name("dvm"), true};
    expected.uuid = made.uuid;
    expected.devices.clear();
    expected.interfaces[0].mac.reset();
    expected.default_dispvm = vm_name("dvm");
    EXPECT_EQ(made, expected);
    EXPECT_NE(made.uuid, dvm.uuid);
}

TEST(DisposableDefinition, OnlyOfADisposableTemplate) {
    const auto refused = disposable_of(accepted("work", "class = \"app\"\ntemplate = \"fedora\"\n"), vm_name("disp7"), true);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message(), "'work' is not a disposable template; 'template_for_dispvms = true' makes it one");
}

}  // namespace
}  // namespace varve::disposables
