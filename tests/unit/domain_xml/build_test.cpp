// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_xml/build.h"

#include "orchestrator/domain_xml/description.h"
#include "orchestrator/domain_xml/mark.h"
#include "tests/support/run_program.h"
#include "tests/unit/domain_xml/samples.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace varve::domain_xml {
namespace {

using base::Errc;

std::string read_file(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return std::move(text).str();
}

std::string must_build(const Inputs& inputs) {
    auto built = build(inputs);
    EXPECT_TRUE(built) << (built ? "" : built.error().message());
    return built ? *built : std::string();
}

Errc code_of(const Inputs& inputs) {
    const auto built = build(inputs);
    return built ? Errc::Corrupt : built.error().code;  // build() never says Corrupt
}

const std::vector<WantedDisk> no_disks;

struct Golden {
    std::string name;
    DomainType type;
    definitions::VmDefinition vm;
    std::vector<WantedDisk> disks;
    std::optional<std::filesystem::path> log;
};

void PrintTo(const Golden& golden, std::ostream* out) { *out << golden.name; }

definitions::VmDefinition with_firmware(definitions::VmDefinition vm, definitions::Firmware firmware) {
    vm.boot = firmware;
    return vm;
}

class GoldenTest : public ::testing::TestWithParam<Golden> {
protected:
    static std::string built() {
        const auto& golden = GetParam();
        return must_build({.vm = golden.vm, .type = golden.type, .disks = golden.disks, .console_log = golden.log});
    }
};

TEST_P(GoldenTest, IsAsItWasReviewed) {
    const auto file = std::filesystem::path(GOLDEN_DIRECTORY) / (GetParam().name + ".xml");
    // To review a change: VARVE_GOLDEN=write.
    if (const auto* mode = std::getenv("VARVE_GOLDEN"); mode != nullptr && std::string_view(mode) == "write")
        std::ofstream(file) << built();
    EXPECT_EQ(built(), read_file(file));
}

TEST_P(GoldenTest, IsWhatLibvirtsSchemaSays) {
    const auto validated =
        test_support::run_program({.arguments = {"virt-xml-validate", "-", "domain"}, .input = built(), .directory = {}});
    ASSERT_TRUE(validated) << validated.error().message();
    EXPECT_TRUE(validated->succeeded()) << validated->describe();
}

TEST_P(GoldenTest, KeepsItsDisksAndItsMark) {
    const auto xml = built();
    const auto read = read_description(xml);
    ASSERT_TRUE(read) << read.error().message();
    ASSERT_EQ(read->disks.size(), GetParam().disks.size());
    for (std::size_t index = 0; index < read->disks.size(); ++index) {
        EXPECT_EQ(read->disks[index].source, GetParam().disks[index].source);
        EXPECT_EQ(read->disks[index].kind, GetParam().disks[index].kind);
        EXPECT_EQ(read->disks[index].read_only, GetParam().disks[index].read_only);
    }
    const auto begin = xml.find("<varve:vm");
    ASSERT_NE(begin, std::string::npos);
    EXPECT_EQ(marked_vm(xml.substr(begin, xml.find("/>", begin) + 2 - begin)), GetParam().vm.name);
}

INSTANTIATE_TEST_SUITE_P(
    All, GoldenTest,
    ::testing::Values(Golden{"qemu", DomainType::Qemu, full_vm("work"), three_disks(), "/run/varve/console/work.log"},
                      Golden{"kvm-bios", DomainType::Kvm, plain_vm("web"), three_disks(), {}},
                      Golden{"kvm-uefi", DomainType::Kvm, with_firmware(plain_vm("web"), definitions::Firmware::Uefi), {}, {}},
                      Golden{"xen-pvh", DomainType::Xen, full_vm("work"), three_disks(), {}},
                      Golden{"xen-hvm", DomainType::Xen, with_firmware(full_vm("work"), definitions::Firmware::Bios), three_disks(), {}},
                      Golden{"test", DomainType::Test, full_vm("work"), three_disks(), {}}),
    [](const auto& info) {
        auto name = info.param.name;
        std::erase(name, '-');
        return name;
    });

// ---- hostile values

TEST(Build, EscapesPaths) {
    const auto vm = plain_vm("work");
    const std::vector<WantedDisk> disks{{{}, "/srv/a\"/><disk type='file'><source file='/etc/shadow'/>&amp;.img", SourceKind::File, false}};
    const auto read = read_description(must_build({.vm = vm, .disks = disks}));
    ASSERT_TRUE(read);
    ASSERT_EQ(read->disks.size(), 1U);
    EXPECT_EQ(read->disks[0].source, disks[0].source);
}

TEST(Build, RefusesWhatXmlCannotHold) {
    const auto vm = plain_vm("work");
    for (const std::string name : {"new\nline", "\x01", "\xff", "\xc3", "\xed\xa0\x80", "\xef\xbf\xbf", "\x7f", "\xc2\x85"}) {
        const std::vector<WantedDisk> disks{{{}, "/srv/" + name, SourceKind::File, false}};
        EXPECT_EQ(code_of({.vm = vm, .disks = disks}), Errc::InvalidArgument) << name;
        EXPECT_EQ(code_of({.vm = vm, .disks = no_disks, .console_log = "/srv/" + name}), Errc::InvalidArgument) << name;
        auto kernel = vm;
        kernel.boot = definitions::KernelBoot{"/srv/" + name, {}, named<definitions::TextLine>("")};
        EXPECT_EQ(code_of({.vm = kernel, .disks = no_disks}), Errc::InvalidArgument) << name;
    }
}

TEST(Build, RefusesRelativeDisks) {
    const auto vm = plain_vm("work");
    const std::vector<WantedDisk> relative{{{}, "root.img", SourceKind::File, false}};
    EXPECT_EQ(code_of({.vm = vm, .disks = relative}), Errc::InvalidArgument);
}

TEST(Build, TakesAnyUtf8Path) {
    const auto vm = plain_vm("work");
    const std::vector<WantedDisk> disks{{{}, "/srv/žluťoučký/\xf0\x9f\x90\x8e.img", SourceKind::File, false}};
    const auto read = read_description(must_build({.vm = vm, .disks = disks}));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->disks.at(0).source, disks[0].source);
}

// ---- a template of one's own

constexpr std::string_view own = R"(<?xml version="1.0"?>
<domain type="kvm" xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">
  <name>other</name><uuid>11111111-2222-3333-4444-555555555555</uuid><memory>7</memory>
  <metadata><mine:note xmlns:mine="urn:mine">kept</mine:note></metadata>
  <os><type machine="q35">hvm</type><kernel>/old</kernel></os>
  <cpu mode="custom"><model>Nehalem</model></cpu>
  <devices>
    <disk type="file" device="cdrom"><driver name="qemu" type="raw"/><source file="/srv/cd.iso"/><target dev="vda" bus="virtio"/><readonly/></disk>
    <graphics type="spice"/>
  </devices>
  <qemu:commandline><qemu:arg value="-s"/></qemu:commandline>
</domain>)";

TEST(OwnTemplate, KeepsWhatItSaysAndTakesTheDefinitionsFacts) {
    auto vm = plain_vm("work");
    vm.boot = definitions::KernelBoot{"/new", {}, named<definitions::TextLine>("")};
    const auto xml = must_build({.vm = vm, .disks = three_disks(), .own_template = own});
    for (const auto* kept : {"machine=\"q35\"", "Nehalem", "spice", "<qemu:arg value=\"-s\" />", "type=\"kvm\"", "kept"})
        EXPECT_NE(xml.find(kept), std::string::npos) << kept << "\n" << xml;
    for (const auto* gone : {"other", "11111111", ">7<", "/old"}) EXPECT_EQ(xml.find(gone), std::string::npos) << gone << "\n" << xml;
    EXPECT_NE(xml.find("<name>work</name>"), std::string::npos);
    EXPECT_NE(xml.find("<kernel>/new</kernel>"), std::string::npos);
    const auto read = read_description(xml);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->disks.size(), 4U);
    EXPECT_EQ(read->disks[0].source, "/srv/cd.iso");
    EXPECT_EQ(read->disks[1].target.str(), "vdb") << "vda is taken";
}

TEST(OwnTemplate, IsRefusedWhenItIsNoDomain) {
    const auto vm = plain_vm("work");
    for (const std::string_view text : {"", "hello", "<domain>", "<network/>", "<domain></domain><domain/>x<"})
        EXPECT_EQ(code_of({.vm = vm, .disks = no_disks, .own_template = text}), Errc::InvalidArgument) << text;
    const std::string huge(largest_template + 1, ' ');
    EXPECT_EQ(code_of({.vm = vm, .disks = no_disks, .own_template = huge}), Errc::TooLarge);
}

TEST(OwnTemplate, MayNotHaveDisksThatAreProbed) {
    const auto vm = plain_vm("work");
    for (const std::string_view driver : {"", "<driver name='qemu'/>", "<driver name='qemu' type='qcow2'/>"}) {
        const auto text = "<domain><devices><disk type='file'>" + std::string(driver) +
                          "<source file='/a'/><target dev='vdz'/></disk></devices></domain>";
        EXPECT_EQ(code_of({.vm = vm, .disks = no_disks, .own_template = text}), Errc::InvalidArgument) << driver;
    }
}

TEST(OwnTemplate, CannotReadOtherFiles) {
    const auto vm = plain_vm("work");
    const std::string_view text =
        "<!DOCTYPE domain [<!ENTITY secret SYSTEM 'file:///etc/passwd'>]><domain><title>&secret;</title></domain>";
    const auto xml = must_build({.vm = vm, .disks = no_disks, .own_template = text});
    EXPECT_EQ(xml.find("root:"), std::string::npos);
    EXPECT_EQ(xml.find("ENTITY"), std::string::npos) << "libvirt must not meet it either";
}

// ---- reading

TEST(ReadDescription, FindsConsoleAgentAndDisks) {
    const auto read = read_description(R"(<domain><devices>
      <serial type='file'><source path='/log'/></serial><console type='pty' tty='/dev/pts/7'><source path='/dev/pts/7'/></console>
      <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>
      <disk type='network'><source protocol='rbd' name='x'/><target dev='vdc'/></disk>
      <disk type='block'><source dev='/dev/sdz'/><target dev='vda'/><readonly/></disk></devices></domain>)");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->console, std::filesystem::path("/dev/pts/7"));
    EXPECT_TRUE(read->agent_channel);
    EXPECT_TRUE(read->agent_connected);
    ASSERT_EQ(read->disks.size(), 1U);
    EXPECT_EQ(read->disks[0].kind, SourceKind::BlockDevice);
    EXPECT_TRUE(read->disks[0].read_only);
}

TEST(ReadDescription, FindsAllInterfacesInTheirOrder) {
    const auto read = read_description(R"(<domain><devices>
      <interface type='bridge'><mac address='52:54:00:00:00:01'/><source network='lan' portid='x' bridge='virbr0'/><alias name='net0'/></interface>
      <interface type='user'><mac address='52:54:00:00:00:02'/></interface>
      <interface type='bridge'><source bridge='br0'/><link state='down'/></interface>
      <interface type='bridge'><mac address='../x'/><source bridge='../br0'/><link state='up'/></interface></devices></domain>)");
    ASSERT_TRUE(read);
    ASSERT_EQ(read->interfaces.size(), 4U);
    const auto& all = read->interfaces;
    EXPECT_EQ(all[0].source, definitions::InterfaceSource(named<definitions::NetworkName>("lan"))) << "as it was asked for";
    EXPECT_EQ(all[0].mac, named<definitions::MacAddress>("52:54:00:00:00:01"));
    EXPECT_EQ(all[0].alias, "net0");
    EXPECT_FALSE(all[1].source);
    EXPECT_EQ(all[2].source, definitions::InterfaceSource(named<definitions::BridgeName>("br0")));
    EXPECT_EQ(all[2].link, Link::Down);
    EXPECT_FALSE(all[2].mac);
    EXPECT_FALSE(all[3].source);
    EXPECT_FALSE(all[3].mac);
    EXPECT_EQ(all[3].link, Link::Up);
}

TEST(InterfaceXml, HasWhatChangesOne) {
    const definitions::Interface interface {
        named<definitions::BridgeName>("br0"), named<definitions::MacAddress>("52:54:00:00:00:01"), {}
    };
    EXPECT_EQ(interface_xml(interface, DomainType::Qemu, Link::Down),
              "<interface type=\"bridge\">\n  <source bridge=\"br0\" />\n  <mac address=\"52:54:00:00:00:01\" />\n"
              "  <model type=\"virtio\" />\n  <link state=\"down\" />\n</interface>\n");
    EXPECT_EQ(interface_xml({named<definitions::NetworkName>("lan"), {}, {}}, DomainType::Xen),
              "<interface type=\"network\">\n  <source network=\"lan\" />\n</interface>\n");
}

TEST(ReadDescription, RefusesWhatIsNoDomain) {
    EXPECT_FALSE(read_description(""));
    EXPECT_FALSE(read_description("<network/>"));
}

TEST(Mark, IsReadOnlyFromItsOwnElementAndWithALegalName) {
    EXPECT_EQ(marked_vm("<varve:vm xmlns:varve='x' name='work'/>"), named<base::VmName>("work"));
    EXPECT_EQ(marked_vm("<vm name='work'/>"), named<base::VmName>("work"));
    for (const std::string_view text : {"", "<vm/>", "<vm name='../x'/>", "<vm name=''/>", "<other name='work'/>", "<vm name='none'/>"})
        EXPECT_FALSE(marked_vm(text)) << text;
}

}  // namespace
}  // namespace varve::domain_xml
