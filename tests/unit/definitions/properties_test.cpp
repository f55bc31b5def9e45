// SPDX-License-Identifier: LGPL-2.1-or-later
// Any definition is read back as it was written, as TOML and through its tables; any text gives a definition or mistakes.
#include "tests/unit/definitions/samples.h"

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace varve::definitions::tests {
namespace {

template <class T>
rc::Gen<std::optional<T>> maybe(rc::Gen<T> gen) {
    return rc::gen::map(rc::gen::pair(rc::gen::arbitrary<bool>(), std::move(gen)),
                        [](const std::pair<bool, T>& pair) { return pair.first ? std::optional<T>(pair.second) : std::nullopt; });
}

template <class Name>
rc::Gen<Name> one_of(std::vector<std::string> texts) {
    return rc::gen::map(rc::gen::elementOf(std::move(texts)), [](const std::string& text) { return Name::parse(text).value(); });
}

rc::Gen<base::VmName> any_vm() { return one_of<base::VmName>({"a", "Net-1", "x.y_z", "b", "c"}); }
rc::Gen<TextLine> any_line() {
    return rc::gen::map(rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '\x7f')),
                        [](const std::string& text) { return TextLine::parse(text).value(); });
}
rc::Gen<std::filesystem::path> any_path() {
    return rc::gen::map(any_line(), [](const TextLine& line) { return std::filesystem::path("/" + line.str()); });
}

RefillDelay any_delay() {
    if (*rc::gen::arbitrary<bool>()) return RefillWhenEmpty{};
    return std::chrono::milliseconds(*rc::gen::inRange(0, 100000));
}

VmClass any_class() {
    switch (*rc::gen::inRange(0, 4)) {
        case 0: return TemplateVm{};
        case 1: return StandaloneVm{};
        case 2: return DisposableVm{*any_vm(), *rc::gen::arbitrary<bool>()};
        default: {
            AppVm app{*any_vm(), {}};
            if (*rc::gen::arbitrary<bool>()) app.disposables = DisposableSettings{*maybe(rc::gen::inRange(0U, 101U)), any_delay()};
            return app;
        }
    }
}

Boot any_boot() {
    if (*rc::gen::arbitrary<bool>()) return *rc::gen::element(Firmware::Bios, Firmware::Uefi);
    return KernelBoot{*any_path(), *maybe(any_path()), *any_line()};
}

Readiness any_readiness() {
    Readiness readiness;
    readiness.deadline = std::chrono::milliseconds(*rc::gen::inRange(0, 100000));
    const auto line = *any_line();
    if (*rc::gen::arbitrary<bool>()) readiness.signal = AgentReady{};
    if (*rc::gen::inRange(0, 3) == 0) readiness.signal = XenstoreReady{};
    if (!line.str().empty()) readiness.signal = SerialLineReady{line};
    return readiness;
}

std::vector<ExtraDevice> any_devices() {
    std::vector<ExtraDevice> devices;
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
        const int kind = *rc::gen::inRange(0, 3);
        if (kind == 0) devices.emplace_back(BlockAttachment{*any_path(), std::nullopt, *rc::gen::arbitrary<bool>()});
        if (kind == 1) devices.emplace_back(PciAddress{*rc::gen::arbitrary<std::uint16_t>(), 1, 31, 7});
        if (kind == 2) devices.emplace_back(UsbId{*rc::gen::arbitrary<std::uint16_t>(), *rc::gen::arbitrary<std::uint16_t>()});
    }
    return devices;
}

VmDefinition any_definition() {
    VmDefinition vm{vm_name("itself"), any_class()};
    vm.uuid = *maybe(one_of<Uuid>({"6ba7b810-9dad-41d1-80b4-00c04fd430c8"}));
    vm.hypervisor = *maybe(one_of<HypervisorUri>({"qemu:///system", "xen:///system"}));
    const auto memory = *rc::gen::inRange<std::uint64_t>(least_memory.count, most_memory.count);
    vm.memory = {{memory}, {memory + *rc::gen::inRange<std::uint64_t>(0, most_memory.count - memory)}};
    vm.vcpus = *rc::gen::inRange(1U, most_vcpus + 1);
    vm.boot = any_boot();
    if (*rc::gen::arbitrary<bool>())
        vm.volumes.push_back({base::VolumeName::parse("root").value(), base::PoolName::parse("0fast.1").value(),
                              *maybe(one_of<TargetName>({"vda", "xvdb"})), *rc::gen::arbitrary<bool>()});
    if (*rc::gen::arbitrary<bool>())
        vm.volumes.push_back({base::VolumeName::parse("private").value(), base::PoolName::parse("p").value(), {}, true});
    vm.devices = any_devices();
    if (*rc::gen::arbitrary<bool>())
        vm.interfaces.push_back(
            {*one_of<NetworkName>({"default"}), *maybe(one_of<MacAddress>({"52:54:00:00:00:01"})), *maybe(one_of<IpAddress>({"::1"}))});
    for (const char* needed : {"a", "Net-1", "x.y_z"})
        if (*rc::gen::arbitrary<bool>()) vm.needs.push_back(vm_name(needed));
    vm.readiness = any_readiness();
    vm.domain_xml = *maybe(any_path());
    if (*rc::gen::arbitrary<bool>()) vm.features.emplace(*one_of<Feature>({"a", "a.b", "X-1"}), *any_line());
    for (const char* tag : {"x", "y", "1.2"})
        if (*rc::gen::arbitrary<bool>()) vm.tags.insert(Tag::parse(tag).value());
    if (*rc::gen::arbitrary<bool>()) vm.default_dispvm = *any_vm();
    return vm;
}

RC_GTEST_PROP(DefinitionProperties, IsReadBackAsItWas, ()) {
    const auto vm = any_definition();
    const auto again = parse(vm.name, to_toml(vm));
    if (!again) RC_FAIL(listed(again.error()) + to_toml(vm));
    RC_ASSERT(*again == vm);
    const auto through_table = from_table(vm.name, to_table(vm));
    RC_ASSERT(through_table.has_value());
    RC_ASSERT(*through_table == vm);
}

RC_GTEST_PROP(DefinitionProperties, AnyChangeOfOneKeyGivesADefinitionOrSaysWhy, (const std::string& key, const std::string& value)) {
    const auto vm = any_definition();
    const auto changed = with_key(vm, key, value);
    const bool good = changed ? changed->name == vm.name : !changed.error().message().empty();
    RC_ASSERT(good);
}

}  // namespace
}  // namespace varve::definitions::tests
