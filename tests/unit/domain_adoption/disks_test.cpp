// SPDX-License-Identifier: LGPL-2.1-or-later
// Which of a domain's disks are copied, and what they are called then.
#include "tests/unit/domain_adoption/samples.h"

#include <gtest/gtest.h>

namespace varve::domain_adoption::testing {
namespace {

using image_formats::Format;

// "volume=target" of each, in their order.
std::string names(const Plan& plan) {
    std::string text;
    for (const auto& volume : plan.vm.volumes) text += (text.empty() ? "" : " ") + volume.volume.str() + "=" + volume.target->str();
    return text;
}

TEST(DomainAdoptionDisks, EachKeepsItsNameWhereItCan) {
    const auto plan = planned(with_disks(disk("vda", "virtio") + disk("sda", "scsi") + disk("hda", "ide") + disk("vdz", "")), wish());
    EXPECT_EQ(names(plan), "vda=vda sda=sda hda=hda vdz=vdz");
    EXPECT_EQ(why(plan, "/domain/devices/disk[2]/target/@bus"), "taken");
}

TEST(DomainAdoptionDisks, OthersGetTheFirstFreeOneOfTheirBus) {
    // A SATA disk is on IDE, of which there are four; a USB disk on SCSI.
    const auto plan = planned(with_disks(disk("sda", "sata") + disk("sdb", "sata") + disk("hda", "ide") + disk("sdc", "sata") +
                                         disk("sdd", "sata") + disk("sde", "usb") + disk("hdb", "virtio")),
                              wish());
    EXPECT_EQ(names(plan), "sda=hdb sdb=hdc hda=hda sdc=hdd sdd=sda sde=sde hdb=vda");
    EXPECT_EQ(why(plan, "/domain/devices/disk[1]/target/@dev"), "the VM calls it hdb");
    EXPECT_EQ(why(plan, "/domain/devices/disk[1]/target/@bus"), "the VM has it on ide");
    EXPECT_EQ(why(plan, "/domain/devices/disk[5]/target/@bus"), "the VM has it on scsi");
}

TEST(DomainAdoptionDisks, TheDiskItBootsFromComesFirst) {
    const auto plan = planned(with_disks(disk("vda", "virtio") + disk("sda", "scsi", "raw", "<boot order='1'/>")), wish());
    EXPECT_EQ(names(plan), "sda=sda vda=vda");
    EXPECT_EQ(why(plan, "/domain/devices/disk[2]/boot"), "taken");
    EXPECT_NE(
        refused(with_disks(disk("vda", "virtio", "raw", "<boot order='2'/>") + disk("vdb", "virtio", "raw", "<boot order='1'/>")), wish())
            .find("it boots from its disk 'vdb', and the VM would from 'vda'"),
        std::string::npos);
}

TEST(DomainAdoptionDisks, AReadOnlyOneStaysSo) {
    const auto plan = planned(with_disks(disk("vda", "virtio", "raw", "<readonly/>")), wish());
    EXPECT_FALSE(plan.vm.volumes.at(0).rw);
}

TEST(DomainAdoptionDisks, TheFormatIsStatedNeverGuessed) {
    const auto silent = with_disks(disk("vda", "virtio", ""));
    EXPECT_EQ(refused(silent, wish()),
              "its disk 'vda' does not say its format, and none is ever guessed: --format vda=raw or --format vda=qcow2 does");
    auto wanted = wish();
    wanted.formats.emplace("vda", Format::Qcow2);
    EXPECT_EQ(planned(silent, wanted).disks.at(0).format, Format::Qcow2);
    EXPECT_NE(refused(with_disks(disk("vda", "virtio", "raw")), wanted).find("says that its format is raw"), std::string::npos);
    EXPECT_NE(refused(with_disks(disk("vdb", "virtio", "raw")), wanted).find("there is no disk 'vda' to give a format to"),
              std::string::npos);
    EXPECT_NE(refused(with_disks(disk("vda", "virtio", "vmdk")), wish()).find("is of the format 'vmdk', which cannot be read"),
              std::string::npos);
}

TEST(DomainAdoptionDisks, WhatIsNotOneFileIsRefusedUntilItIsSkipped) {
    const auto cases = std::vector<std::pair<std::string, std::string>>{
        {"<disk type='network' device='disk'><driver type='raw'/><source protocol='rbd' name='p/i'/><target dev='vda'/></disk>",
         "is on the network (rbd)"},
        {"<disk type='volume' device='disk'><driver type='raw'/><source pool='p' volume='v'/><target dev='vda'/></disk>",
         "is of the type 'volume'"},
        {"<disk type='block' device='lun'><driver type='raw'/><source dev='/dev/sda'/><target dev='vda'/></disk>", "is a 'lun'"},
        {"<disk type='file'><driver type='raw'/><target dev='vda'/></disk>", "has no source"},
        {"<disk type='file'><driver type='raw'/><source file='../x'/><target dev='vda'/></disk>", "not an absolute path"},
        {disk("vda", "virtio", "qcow2", "<backingStore type='file'><format type='raw'/><source file='/etc/passwd'/></backingStore>"),
         "only what differs from a backing file"},
        {disk("vda", "virtio", "raw", "<encryption format='luks'/>"), "is encrypted"},
        {"<disk type='file'><driver type='qcow2'/><source file='/x'><encryption format='luks'/></source><target dev='vda'/></disk>",
         "is encrypted"},
        {"<disk type='file'><driver type='raw'/><source file='/x'><slices><slice type='storage' offset='512' size='512'/></slices></source>"
         "<target dev='vda'/></disk>",
         "is a part of its file"},
        {"<disk type='file' device='cdrom'><driver type='qcow2'/><source file='/x'/><target dev='vda'/></disk>",
         "a medium that is not raw"},
    };
    auto skipping = wish();
    skipping.skip.insert("vda");
    for (const auto& [xml, reason] : cases) {
        const auto said = refused(with_disks(xml), wish());
        EXPECT_NE(said.find(reason), std::string::npos) << said;
        EXPECT_NE(said.find("--skip vda leaves it out"), std::string::npos) << said;
        const auto plan = planned(with_disks(xml), skipping);
        EXPECT_TRUE(plan.vm.volumes.empty());
        EXPECT_EQ(why(plan, "/domain/devices/disk"), "--skip leaves it out");
    }
    EXPECT_EQ(planned(with_disks(disk("vda", "virtio", "qcow2", "<backingStore/>")), wish()).disks.size(), 1U)
        << "this says that it has none";
}

TEST(DomainAdoptionDisks, Names) {
    EXPECT_EQ(refused(with_disks(disk("vda", "virtio") + disk("vda", "virtio")), wish()), "two of its disks are called 'vda'");
    EXPECT_NE(refused(with_disks(disk("../x", "virtio")), wish()).find("its disk '../x'"), std::string::npos);
    EXPECT_NE(refused(with_disks(disk("nvme0", "")), wish()).find("tells nothing of its bus"), std::string::npos);
    auto wanted = wish();
    wanted.skip.insert("vdq");
    EXPECT_EQ(refused(with_disks(disk("vda", "virtio")), wanted), "there is no disk 'vdq' to skip");
    std::string many;
    for (int i = 0; i < 65; ++i)
        many += disk("vd" + std::string(1, static_cast<char>('a' + i / 26)) + static_cast<char>('a' + i % 26), "usb");
    EXPECT_EQ(refused(with_disks(many), wish()), "it has more than 64 disks");
    const auto most = planned(with_disks(many.substr(0, many.rfind("<disk "))), wish());
    EXPECT_EQ(most.vm.volumes.size(), 64U);
    EXPECT_EQ(most.vm.volumes.back().target->str(), "sdbl");
}

}  // namespace
}  // namespace varve::domain_adoption::testing
