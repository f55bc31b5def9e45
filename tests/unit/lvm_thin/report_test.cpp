// SPDX-License-Identifier: LGPL-2.1-or-later
// What LVM 2.03.16 and thin-provisioning-tools 0.9 print, as recorded.
#include "drivers/lvm_thin/lvm_library.h"

#include <gtest/gtest.h>

namespace varve::lvm_thin {
namespace {

using base::Errc;

constexpr auto vgs = R"({"report": [{"vg": [{"vg_extent_size":"4194304"}]}]})";
constexpr auto lvs = R"({"report": [{"lv": [
 {"lv_name":"[lvol0_pmspare]", "lv_uuid":"MEvvw9-eC6V-Df8B-fti6-1qyJ-yZn2-1Em57s", "lv_tags":"", "lv_size":"4194304", "pool_lv":"", "lv_active":"", "thin_id":""},
 {"lv_name":"pool", "lv_uuid":"11jBEZ-MNA1-QqTA-jyLP-pBwC-5U0b-JvLYEq", "lv_tags":"xxx,zzz", "lv_size":"268435456", "pool_lv":"", "lv_active":"active", "thin_id":""},
 {"lv_name":"vm-a-root", "lv_uuid":"yD5Zxv-wqnK-uYG2-DhDu-1Uze-kZpp-mEmrdc", "lv_tags":"foo=bar:baz", "lv_size":"10485760", "pool_lv":"pool", "lv_active":"active", "thin_id":"7"},
 {"lv_name":"home", "lv_uuid":"zE5Zxv-wqnK-uYG2-DhDu-1Uze-kZpp-mEmrdc", "lv_tags":"", "lv_size":"10485760", "pool_lv":"[cache_cpool]", "lv_active":"active", "thin_id":""}
]}]})";

TEST(LvmReport, IsRead) {
    EXPECT_EQ(parse_extent(vgs).value(), base::Bytes{4194304});
    const auto found = parse_lvs(lvs);
    ASSERT_TRUE(found) << found.error().message();
    ASSERT_EQ(found->size(), 4U);
    EXPECT_EQ(found->at(0).name, "lvol0_pmspare");
    EXPECT_FALSE(found->at(0).active);
    EXPECT_FALSE(found->at(0).thin_id);
    EXPECT_EQ(found->at(1).tags, (std::vector<std::string>{"xxx", "zzz"}));
    const auto& volume = found->at(2);
    EXPECT_EQ(volume.pool, "pool");
    EXPECT_EQ(volume.size, base::Bytes{10485760});
    EXPECT_EQ(volume.uuid.text, "yD5ZxvwqnKuYG2DhDu1UzekZppmEmrdc");
    EXPECT_TRUE(volume.active);
    EXPECT_EQ(volume.thin_id, kernel::ThinId{7});
    EXPECT_FALSE(found->at(3).thin_id) << "a cached LV has a pool, and is no thin volume";
}

TEST(LvmReport, WhatIsNoReportIsCorrupt) {
    EXPECT_EQ(parse_lvs("").error().code, Errc::Corrupt);
    EXPECT_EQ(parse_lvs("{}").error().code, Errc::Corrupt);
    EXPECT_EQ(parse_lvs(R"({"report": [{"lv": [{"lv_name":"x"}]}]})").error().code, Errc::Corrupt);
    EXPECT_EQ(parse_extent(R"({"report": [{"vg": [{"vg_extent_size":"many"}]}]})").error().code, Errc::Corrupt);
    EXPECT_EQ(parse_extent(R"({"report": [{"vg": []}]})").error().code, Errc::NotFound);
}

TEST(LvmErrors, AreUnderstood) {
    EXPECT_EQ(meaning_of(R"(Logical Volume "vm-a-root-snap" already exists in volume group "vg")"), Errc::Exists);
    EXPECT_EQ(meaning_of(R"(New logical volume "b" already exists in volume group "vg")"), Errc::Exists);
    EXPECT_EQ(meaning_of("Logical volume vg/a in use"), Errc::Busy);
    EXPECT_EQ(meaning_of("Logical volume vg/a is used by another device"), Errc::Busy);
    EXPECT_EQ(meaning_of("Volume group \"vg\" not found; Cannot process volume group vg"), Errc::NotFound);
    EXPECT_EQ(meaning_of("Failed to find logical volume \"vg/a\""), Errc::NotFound);
    EXPECT_EQ(meaning_of("Insufficient free space: 100 extents needed, but only 3 available"), Errc::NoSpace);
    EXPECT_EQ(meaning_of("VG vg metadata on /dev/vda (521 bytes) too large"), Errc::Io);
}

TEST(ThinTools, AreRead) {
    using Found = std::map<kernel::ThinId, base::Bytes>;
    EXPECT_EQ(parse_thin_ls("1 65536\n 12 131072\n").value(), (Found{{{1}, {65536}}, {{12}, {131072}}}));
    EXPECT_EQ(parse_thin_ls("").value(), Found{});
    EXPECT_EQ(parse_thin_ls("1 65536\nno metadata\n").error().code, Errc::Corrupt);
    constexpr std::string_view same =
        "<superblock uuid=\"\" time=\"1\" transaction=\"2\" data_block_size=\"128\" nr_data_blocks=\"0\">\n  <diff left=\"1\" "
        "right=\"2\">\n    <same begin=\"0\" length=\"1\"/>\n  </diff>\n";
    EXPECT_EQ(parse_thin_delta(same).value(), base::Extents{});
    constexpr std::string_view other =
        "<superblock uuid=\"\" data_block_size=\"128\">\n  <diff left=\"1\" right=\"2\">\n    <different begin=\"0\" length=\"1\"/>\n"
        "    <left_only begin=\"1\" length=\"2\"/>\n    <same begin=\"3\" length=\"5\"/>\n    <right_only begin=\"8\" length=\"1\"/>\n  "
        "</diff>\n";
    EXPECT_EQ(parse_thin_delta(other).value(), (base::Extents{{{0}, {3 * 65536}}, {{8 * 65536}, {65536}}}));
    for (const std::string_view element :
         {"<different begin=\"0\"/>", "<different begin=\"x\" length=\"1\"/>", "<left_only begin=\"-1\" length=\"1\"/>",
          "<different begin=\"18446744073709551615\" length=\"2\"/>"})
        EXPECT_EQ(parse_thin_delta("<superblock data_block_size=\"128\"><diff >" + std::string(element)).error().code, Errc::Corrupt)
            << element;
    EXPECT_EQ(parse_thin_delta("<superblock uuid=\"\"><diff >").error().code, Errc::Corrupt);
    EXPECT_EQ(parse_thin_delta("").error().code, Errc::Corrupt);
}

TEST(LvmWorkers, TakeNoWordThatLvmWouldSplit) {
    LvmWorker worker("/nonexistent");
    for (const auto* word : {"a b", "a'b", "a\"b", "a\nb", ""})
        EXPECT_EQ(worker.run({"lvs", word}).error().code, Errc::InvalidArgument) << word;
    EXPECT_EQ(worker.run({"lvs"}).error().code, Errc::NotFound);
}

TEST(LvmWorkers, ThatDieAreAnErrorAndStartAgain) {
    LvmWorker worker("/bin/true");
    EXPECT_EQ(worker.run({"lvs"}).error().code, Errc::Io);
    EXPECT_EQ(worker.run({"lvs"}).error().code, Errc::Io);
}

TEST(LvmWorkers, ThatHangAreKilledAtTheDeadline) {
    LvmWorker worker("/bin/cat", std::chrono::milliseconds(50));  // answers, but never with a status
    EXPECT_EQ(worker.run({"lvs"}).error().code, Errc::TimedOut);
}

}  // namespace
}  // namespace varve::lvm_thin
