// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_xml/disk.h"

#include "tests/unit/domain_xml/samples.h"

#include <gtest/gtest.h>

namespace varve::domain_xml {
namespace {

using base::Errc;
using definitions::TargetName;

std::vector<std::string> targets(const base::Result<std::vector<Disk>>& disks) {
    std::vector<std::string> names;
    EXPECT_TRUE(disks) << (disks ? "" : disks.error().message());
    if (disks)
        for (const auto& disk : *disks) names.push_back(disk.target.str());
    return names;
}

WantedDisk called(std::string_view target) { return {named<TargetName>(target), "/x", SourceKind::File, false}; }
WantedDisk any() { return {{}, "/x", SourceKind::File, false}; }

using Names = std::vector<std::string>;

TEST(AllotTargets, CountsInOrderAroundTheOnesThatAreAskedFor) {
    EXPECT_EQ(targets(allot_targets({any(), called("vda"), any(), called("sda")}, DomainType::Qemu)), (Names{"vdb", "vda", "vdc", "sda"}));
    EXPECT_EQ(targets(allot_targets({any(), called("xvdi"), any()}, DomainType::Xen)), (Names{"xvda", "xvdi", "xvdb"}));
    EXPECT_EQ(targets(allot_targets({any()}, DomainType::Kvm, {"vda", "vdb"})), (Names{"vdc"}));
}

TEST(AllotTargets, GoesOnAfterZ) {
    const std::vector<WantedDisk> many(28, any());
    const auto names = targets(allot_targets(many, DomainType::Qemu));
    ASSERT_EQ(names.size(), 28U);
    EXPECT_EQ(names[25], "vdz");
    EXPECT_EQ(names[26], "vdaa");
    EXPECT_EQ(names[27], "vdab");
}

TEST(AllotTargets, RefusesTwice) {
    EXPECT_EQ(allot_targets({called("vda"), called("vda")}, DomainType::Qemu).error().code, Errc::Exists);
    EXPECT_EQ(allot_targets({called("vda")}, DomainType::Qemu, {"vda"}).error().code, Errc::Exists);
}

TEST(AllotTargets, RefusesTheOtherHypervisorsNames) {
    EXPECT_EQ(allot_targets({called("xvda")}, DomainType::Qemu).error().code, Errc::Unsupported);
    EXPECT_EQ(allot_targets({called("vda")}, DomainType::Xen).error().code, Errc::Unsupported);
}

TEST(DiskXml, IsOneElement) {
    const auto xml = disk_xml({named<TargetName>("vdc"), "/srv/a&b", SourceKind::File, true}, DomainType::Qemu);
    ASSERT_TRUE(xml);
    EXPECT_EQ(*xml,
              "<disk type=\"file\" device=\"disk\">\n  <driver name=\"qemu\" type=\"raw\" />\n  <source file=\"/srv/a&amp;b\" />\n"
              "  <target dev=\"vdc\" bus=\"virtio\" />\n  <readonly />\n</disk>\n");
}

}  // namespace
}  // namespace varve::domain_xml
