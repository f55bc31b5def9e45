// SPDX-License-Identifier: LGPL-2.1-or-later
// What domains become, but for their disks.
#include "orchestrator/definitions/definition_text.h"
#include "tests/unit/domain_adoption/samples.h"

#include <gtest/gtest.h>

namespace varve::domain_adoption::testing {
namespace {

using definitions::Firmware;

Wish taking_over() {
    auto wanted = wish();
    wanted.takes_over = true;
    return wanted;
}

TEST(DomainAdoption, ADebianOfVirtInstallTakenOver) {
    const auto plan = planned(debian(), taking_over());
    EXPECT_EQ(plan.domain, "debian12");
    EXPECT_EQ(definitions::to_toml(plan.vm), R"(class = "standalone"
uuid = "0f6ac84c-7a4f-4f0e-9c1f-6a7a0a4b7a11"
memory = "2G"
maxmem = "4G"
vcpus = 2

[boot]
firmware = "bios"

[[volume]]
name = "vda"
pool = "fast"
target = "vda"

[[interface]]
network = "default"
mac = "52:54:00:0e:f1:34"
)");
    ASSERT_EQ(plan.disks.size(), 1U);
    EXPECT_EQ(plan.disks[0].source, "/var/lib/libvirt/images/debian12.qcow2");
    EXPECT_EQ(plan.disks[0].format, image_formats::Format::Qcow2);
    EXPECT_EQ(left_paths(plan), R"(/domain/metadata
/domain/os/type/@machine
/domain/features/vmport
/domain/cpu
/domain/clock/timer
/domain/pm
/domain/devices/emulator
/domain/devices/disk[1]/driver/@discard
/domain/devices/disk[1]/address
/domain/devices/disk[2]
/domain/devices/controller[1]
/domain/devices/controller[2]
/domain/devices/interface/address
/domain/devices/channel/address
/domain/devices/graphics
/domain/devices/video
)");
    EXPECT_NE(why(plan, "/domain/devices/graphics").find("domain_xml"), std::string::npos);
    EXPECT_NE(why(plan, "/domain/devices/controller[1]").find("libvirt makes"), std::string::npos);
    EXPECT_NE(why(plan, "/domain/devices/disk[2]").find("empty drive"), std::string::npos);
}

TEST(DomainAdoption, ACopyHasAnIdentityOfItsOwn) {
    auto wanted = wish();
    wanted.name = base::VmName::parse("work").value();
    wanted.hypervisor = definitions::HypervisorUri::parse("qemu:///session").value();
    const auto plan = planned(debian(), wanted);
    EXPECT_EQ(plan.vm.name.str(), "work");
    EXPECT_EQ(plan.vm.hypervisor, wanted.hypervisor);
    EXPECT_FALSE(plan.vm.uuid);
    EXPECT_FALSE(plan.vm.interfaces.at(0).mac);
    EXPECT_NE(why(plan, "/domain/name").find("--name"), std::string::npos);
    EXPECT_NE(why(plan, "/domain/uuid").find("of its own"), std::string::npos);
    EXPECT_NE(why(plan, "/domain/devices/interface/mac").find("--keep-mac"), std::string::npos);
    wanted.keeps_mac = true;
    EXPECT_EQ(planned(debian(), wanted).vm.interfaces.at(0).mac->str(), "52:54:00:0e:f1:34");
}

TEST(DomainAdoption, AnOldPcAndItsDevices) {
    auto wanted = taking_over();
    EXPECT_NE(refused(old_pc(), wanted).find("its name 'old pc' is none for a VM"), std::string::npos);
    wanted.name = base::VmName::parse("old").value();
    const auto plan = planned(old_pc(), wanted);
    EXPECT_EQ(definitions::to_toml(plan.vm), R"(class = "standalone"
uuid = "0f6ac84c-7a4f-4f0e-9c1f-6a7a0a4b7a12"
memory = "512M"
vcpus = 1

[boot]
firmware = "bios"

[features]
accelerator = "tcg"

[[volume]]
name = "hda"
pool = "fast"
target = "hda"

[[device]]
path = "/srv/install.iso"

[[device]]
pci = "0000:06:02.1"

[[device]]
usb = "1d6b:0002"

[[interface]]
bridge = "br0"
mac = "52:54:00:00:00:01"
)");
    EXPECT_EQ(left_paths(plan), R"(/domain/name
/domain/os/type/@machine
/domain/os/boot[1]
/domain/devices/disk[1]/driver/@cache
/domain/devices/disk[2]/@device
/domain/devices/disk[2]/target
/domain/devices/disk[3]
/domain/devices/interface[1]/model/@type
/domain/devices/interface[2]
)");
    EXPECT_NE(why(plan, "/domain/devices/disk[3]").find("floppy"), std::string::npos);
}

// Made without what restricts them they would reach more than the domain did.
TEST(DomainAdoption, RestrictedInterfacesAreLeftOutWhole) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"<link state='down'/>", "<link state='down'>"},     {"<filterref filter='clean-traffic'/>", "<filterref>"},
        {"<vlan><tag id='42'/></vlan>", "<vlan>"},           {"<virtualport type='openvswitch'/>", "<virtualport>"},
        {"<port isolated='yes'/>", "<port isolated='yes'>"}, {"<vlan/><filterref filter='f'/>", "<filterref>, <vlan>"},
    };
    const std::string path = "/domain/devices/interface";
    for (const auto& [restriction, named] : cases) {
        const auto plan = planned(with_devices("<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>" +
                                               restriction + "</interface>"),
                                  taking_over());
        EXPECT_TRUE(plan.vm.interfaces.empty()) << restriction;
        EXPECT_EQ(left_paths(plan), path + "\n");
        EXPECT_EQ(why(plan, path).find("it has " + named + ", which"), 0U) << why(plan, path);
    }
    const auto group = planned(with_devices("<interface type='network'><source network='n' portgroup='p'/></interface>"), wish());
    EXPECT_TRUE(group.vm.interfaces.empty());
    EXPECT_NE(why(group, path).find("a portgroup"), std::string::npos) << why(group, path);
    const auto free =
        planned(with_devices("<interface type='network'><source network='n'/><link state='up'/><port isolated='no'/></interface>"), wish());
    EXPECT_EQ(free.vm.interfaces.size(), 1U) << "nothing restricts it";
}

TEST(DomainAdoption, Firmware) {
    for (const std::string os : {"<os firmware='efi'><type arch='x86_64'>hvm</type></os>",
                                 "<os><type arch='x86_64' machine='q35'>hvm</type><loader readonly='yes' type='pflash'>/usr/share/OVMF/"
                                 "OVMF_CODE.fd</loader><nvram>/var/lib/libvirt/qemu/nvram/vm_VARS.fd</nvram></os>"}) {
        const auto plan = planned(with_devices(disk("sda", "sata"), os), taking_over());
        EXPECT_EQ(std::get<definitions::Firmware>(plan.vm.boot), Firmware::Uefi) << os;
        EXPECT_EQ(plan.vm.volumes.at(0).target->str(), "sda") << "q35 has no IDE";
        EXPECT_EQ(why(plan, "/domain/devices/disk/target/@bus"), "the VM has it on scsi");
    }
    const auto plan = planned(with_devices("", "<os><type>hvm</type><loader>/x</loader><nvram>/y</nvram></os>"), taking_over());
    EXPECT_EQ(std::get<definitions::Firmware>(plan.vm.boot), Firmware::Bios);
    EXPECT_NE(why(plan, "/domain/os/nvram"), "taken");
}

TEST(DomainAdoption, AKernelOfTheHost) {
    const auto plan =
        planned(with_devices("",
                             "<os><type>hvm</type><kernel>/boot/vmlinuz</kernel>\n<initrd> /boot/initrd </initrd><cmdline>root=/dev/vda "
                             "quiet</cmdline></os>"),
                taking_over());
    const auto& boot = std::get<definitions::KernelBoot>(plan.vm.boot);
    EXPECT_EQ(boot.kernel, "/boot/vmlinuz");
    EXPECT_EQ(boot.initramfs, "/boot/initrd");
    EXPECT_EQ(boot.command_line.str(), "root=/dev/vda quiet");
    EXPECT_EQ(left_paths(plan), "");
    EXPECT_EQ(refused(with_devices("", "<os><type>hvm</type><kernel>vmlinuz</kernel></os>"), wish()),
              "<kernel> 'vmlinuz' is not an absolute path");
}

TEST(DomainAdoption, MemoryAndProcessors) {
    const auto sized = [](const std::string& size) {
        return "<domain type='kvm'><name>vm</name>" + size + "<os><type>hvm</type></os></domain>";
    };
    const auto plan = planned(sized("<memory unit='GB'>1</memory><vcpu current='2' cpuset='1-3'>8</vcpu>"), wish());
    const auto& vm = plan.vm;
    EXPECT_EQ(vm.memory.maximum.count, 1'000'000'000U);
    EXPECT_EQ(vm.memory.initial.count, 1'000'000'000U);
    EXPECT_EQ(vm.vcpus, 2U);
    EXPECT_EQ(left_paths(plan), "/domain/vcpu/@current\n/domain/vcpu/@cpuset\n");
    const auto less = planned(sized("<memory>2048</memory><currentMemory unit='b'>9999999</currentMemory>"), wish()).vm;
    EXPECT_EQ(less.memory.initial.count, 2048U << 10U) << "not above the most";
    EXPECT_EQ(refused(sized("<memory unit='XB'>1</memory><vcpu>0</vcpu>"), wish()),
              "<memory> is not an amount of memory from 1 MiB to 64 TiB; <vcpu> is not a number from 1 to 512");
    for (const std::string wrong : {"", "<memory>x</memory>", "<memory>-1</memory>", "<memory unit='TiB'>18446744073709551615</memory>",
                                    "<memory unit='TiB'>16777217</memory>", "<memory>1</memory>"})
        EXPECT_EQ(refused(sized(wrong), wish()), "<memory> is not an amount of memory from 1 MiB to 64 TiB") << wrong;
}

TEST(DomainAdoption, WhatCannotBeAVmIsToldAtOnce) {
    EXPECT_EQ(
        refused("<domain type='lxc'><name>x</name><memory>1048576</memory><os><type>exe</type></os></domain>", wish()),
        "it is of the type 'lxc': kvm, qemu and xen are adopted; its guest is of the type 'exe': only hvm ones, with a machine of their "
        "own, are adopted");
    EXPECT_EQ(refused(with_devices("", "<os><type arch='aarch64'>hvm</type></os>"), wish()), "its processor is aarch64: VMs are x86_64");
    EXPECT_NE(refused(with_devices("<interface type='network'><mac address='01:00:00:00:00:00'/><source network='../x'/></interface>"),
                      taking_over())
                  .find("the network '../x'"),
              std::string::npos);
    EXPECT_NE(
        refused(with_devices("<interface type='bridge'><mac address='01:00:00:00:00:00'/><source bridge='b'/></interface>"), taking_over())
            .find("the MAC address '01:00:00:00:00:00'"),
        std::string::npos);
    EXPECT_NE(refused(with_devices("<hostdev mode='subsystem' type='pci'><source><address bus='0x100'/></source></hostdev>"), wish())
                  .find("a PCI device"),
              std::string::npos);
}

TEST(DomainAdoption, HostileDescriptions) {
    EXPECT_NE(refused("", wish()).find("it is no XML"), std::string::npos);
    EXPECT_NE(refused("<domain", wish()).find("it is no XML"), std::string::npos);
    EXPECT_NE(refused("<network/>", wish()).find("it is not a <domain>"), std::string::npos);
    EXPECT_NE(refused(std::string_view("<domain/>\0", 10), wish()).find("NUL"), std::string::npos);
    EXPECT_NE(
        refused("<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain><name>&x;</name></domain>", wish()).find("DOCTYPE"),
        std::string::npos);
    EXPECT_NE(refused(std::string(largest_description + 1, ' '), wish()).find("longer than 1 MiB"), std::string::npos);
    std::string deep;
    for (int i = 0; i < 10'000; ++i) deep += "<a>";
    for (int i = 0; i < 10'000; ++i) deep += "</a>";
    EXPECT_NE(refused("<domain>" + deep + "</domain>", wish()).find("nested deeper than 32"), std::string::npos);
}

TEST(DomainAdoption, WhatIsLeftOutHasBounds) {
    std::string many;
    for (int i = 0; i < 100'000; ++i) many += "<a/>";
    const auto plan = planned(with_devices(many), taking_over());
    ASSERT_EQ(plan.left_out.size(), most_left_out + 1);
    EXPECT_EQ(plan.left_out[0].path, "/domain/devices/a[1]");
    EXPECT_EQ(plan.left_out.back().why, "99000 more");
    const auto wide = planned(with_devices("<" + std::string(100'000, 'b') + "/>"), taking_over());
    EXPECT_LT(wide.left_out.at(0).path.size(), 400U);
}

// Namespaces of hypervisors pass by what libvirt knows of.
TEST(DomainAdoption, CommandLinesOfQemuAreLeftOut) {
    const std::string xml =
        "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>vm</name><memory>1048576</memory>"
        "<os><type>hvm</type></os><qemu:commandline><qemu:arg value='-s'/></qemu:commandline></domain>";
    EXPECT_EQ(left_paths(planned(xml, wish())), "/domain/qemu:commandline\n");
}

}  // namespace
}  // namespace varve::domain_adoption::testing
