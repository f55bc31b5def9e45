// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_table.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace varve::kernel {
namespace {

using base::Errc;
using base::SectorCount;
using rc::gen::arbitrary;
using rc::gen::inRange;

std::string text_of(const DmTable& table) { return std::string(table.text().view()); }

// What Linux 6.1 said (dmsetup table), and what is read from it.
TEST(DmTable, ReadsAndWritesWhatTheKernelSays) {
    const DeviceNumber loop0{7, 0};
    const DeviceNumber loop1{7, 1};
    const DeviceNumber real{254, 0};
    const std::vector<std::pair<std::string, DmTargetKind>> recorded{
        {"0 65536 linear 7:0 0\n", LinearTarget{loop0, {0}}},
        {"0 65536 snapshot-origin 254:0\n", SnapshotOriginTarget{real}},
        {"0 65536 snapshot 254:0 7:1 P 8\n", SnapshotTarget{real, loop1, SnapshotStore::Persistent, {8}}},
        {"0 65536 snapshot 254:0 7:1 PO 8\n", SnapshotTarget{real, loop1, SnapshotStore::PersistentOverflow, {8}}},
        {"0 65536 snapshot 254:0 7:1 N 16 2 discard_zeroes_cow discard_passdown_origin\n",
         SnapshotTarget{real, loop1, SnapshotStore::Transient, {16}, true, true}},
        {"0 65536 snapshot-merge 254:0 7:1 P 8\n", SnapshotMergeTarget{{real, loop1, SnapshotStore::Persistent, {8}}}},
        {"0 65536 thin 254:4 0\n", ThinTarget{{254, 4}, {0}, {}}},
        {"0 65536 thin 254:4 7 254:0\n", ThinTarget{{254, 4}, {7}, real}},
        {"0 65536 zero\n", ZeroTarget{}},
        {"0 65536 error\n", ErrorTarget{}},
        {"0 65536 striped 2 128 7:0 0 7:1 0\n", OtherTarget{"striped", "2 128 7:0 0 7:1 0"}},
    };
    for (const auto& [line, kind] : recorded) {
        const auto table = DmTable::parse(line);
        ASSERT_TRUE(table) << line << table.error().message();
        EXPECT_EQ(*table, DmTable::of({65536}, kind).value()) << line;
        EXPECT_EQ(text_of(*table), line);
    }
}

TEST(DmTable, ThinPoolsEndWithASpaceInTheKernelsTable) {
    const auto table = DmTable::parse("0 131072 thin-pool 7:3 7:4 128 16 1 skip_block_zeroing \n");
    ASSERT_TRUE(table) << table.error().message();
    ThinPoolTarget pool{{7, 3}, {7, 4}, {128}, 16};
    pool.skip_block_zeroing = true;
    EXPECT_EQ(*table, DmTable::of({131072}, pool).value());
    EXPECT_TRUE(DmTable::parse("0 131072 thin-pool 7:3 7:4 128 0 0 \n"));
}

TEST(DmTable, CryptCarriesItsKeyAndOptions) {
    const std::string hex(128, 'a');
    const auto line = "0 65536 crypt aes-xts-plain64 " + hex + " 0 7:5 0 3 allow_discards iv_large_sectors sector_size:4096\n";
    const auto table = DmTable::parse(line).value();
    EXPECT_TRUE(table.holds_key());
    const auto& crypt = std::get<CryptTarget>(table.targets().front().kind);
    EXPECT_EQ(std::get<SecretKey>(crypt.key).size(), 64U);
    EXPECT_TRUE(crypt.allow_discards);
    EXPECT_EQ(crypt.sector_bytes, 4096U);
    EXPECT_EQ(text_of(table), line);
}

TEST(DmTable, CryptNamesAKeyOfTheKeyring) {
    const std::string line = "0 65536 crypt aes-xts-plain64 :64:logon:varve:VARVE-1-crypt-work-volatile 0 7:5 0 1 allow_discards\n";
    const auto table = DmTable::parse(line).value();
    const auto& crypt = std::get<CryptTarget>(table.targets().front().kind);
    EXPECT_EQ(std::get<KeyringKey>(crypt.key), (KeyringKey{64, "varve:VARVE-1-crypt-work-volatile"}));
    EXPECT_EQ(text_of(table), line);
    for (const std::string bad : {":64:user:varve:a", "::logon:a", ":x:logon:a", ":64", ":"})
        EXPECT_EQ(DmTable::parse("0 8 crypt aes-xts-plain64 " + bad + " 0 7:5 0").error().code, Errc::Corrupt) << bad;
    EXPECT_FALSE(DmTable::of({8}, CryptTarget{.key = KeyringKey{64, "two words"}}));
}

TEST(DmTable, ErrorsNeverShowAKey) {
    const std::string hex(128, 'b');
    for (const auto& line :
         {"0 8 crypt aes-xts-plain64 " + hex + " 0 7:5 0 1 no_such_option", "0 8 crypt aes-xts-plain64 " + hex + " x 7:5 0",
          "0 8 crypt aes-xts-plain64 " + hex + "zz 0 7:5 0", "x 8 crypt aes-xts-plain64 " + hex + " 0 7:5 0"}) {
        const auto table = DmTable::parse(line);
        ASSERT_FALSE(table);
        EXPECT_EQ(table.error().code, Errc::Corrupt);
        EXPECT_EQ(table.error().message().find("bbbb"), std::string::npos) << table.error().message();
    }
}

TEST(DmTable, RefusesGapsOverlapsAndNothing) {
    const LinearTarget any{{7, 0}, {0}};
    const auto refused = [](std::vector<DmTarget> targets) {
        const auto table = DmTable::make(std::move(targets));
        return !table && table.error().code == Errc::InvalidArgument;
    };
    EXPECT_TRUE(refused({}));
    EXPECT_TRUE(refused({{{0}, {0}, any}}));
    EXPECT_TRUE(refused({{{8}, {8}, any}}));
    EXPECT_TRUE(refused({{{0}, {8}, any}, {{9}, {8}, any}}));
    EXPECT_TRUE(refused({{{0}, {8}, any}, {{7}, {8}, any}}));
    EXPECT_TRUE(refused({{{0}, {std::numeric_limits<std::uint64_t>::max()}, any}}));
    EXPECT_TRUE(refused({{{0}, {8}, OtherTarget{"two words", ""}}}));
    EXPECT_TRUE(refused({{{0}, {8}, OtherTarget{"striped", "a\n0 8 zero"}}}));
    EXPECT_TRUE(refused({{{0}, {8}, CryptTarget{.cipher = "aes xts", .key = SecretKey::random(64).value()}}}));
    const auto good = DmTable::make({{{0}, {8}, any}, {{8}, {4}, ZeroTarget{}}});
    ASSERT_TRUE(good);
    EXPECT_EQ(good->size(), SectorCount{12});
}

TEST(DmTable, KnowsTheDevicesItStandsOn) {
    const SnapshotTarget snapshot{{254, 0}, {7, 1}, SnapshotStore::Persistent, {8}};
    const auto table = DmTable::make({{{0}, {8}, snapshot}, {{8}, {8}, LinearTarget{{7, 1}, {0}}}, {{16}, {8}, ZeroTarget{}}}).value();
    EXPECT_EQ(table.devices(), (std::vector<DeviceNumber>{{7, 1}, {254, 0}}));
}

TEST(DmTable, RefusesWhatTheKernelNeverSays) {
    for (const std::string line : {"",
                                   "\n",
                                   "0",
                                   "0 8",
                                   "0 -8 zero",
                                   "0 8 linear",
                                   "0 8 linear 7:0",
                                   "0 8 linear 7:0 x",
                                   "0 8 linear /dev/loop0 0",
                                   "0 8 linear 7:0 0 0",
                                   "0 8 linear 7: 0",
                                   "0 8 linear 7:0:1 0",
                                   "0 8 zero 1",
                                   "0 8 snapshot 7:0 7:1 Q 8",
                                   "0 8 snapshot 7:0 7:1 P",
                                   "0 8 snapshot 7:0 7:1 P 8 1",
                                   "0 8 snapshot 7:0 7:1 P 8 2 discard_zeroes_cow",
                                   "0 8 thin 7:0 4294967296",
                                   "0 8 thin-pool 7:0 7:1 128 0 1 nonsense",
                                   "4 8 zero",
                                   "0 8 zero\n9 8 zero",
                                   "18446744073709551616 8 zero"}) {
        const auto table = DmTable::parse(line);
        ASSERT_FALSE(table) << line;
        EXPECT_EQ(table.error().code, Errc::Corrupt) << line;
    }
}

// ---- properties

rc::Gen<DeviceNumber> any_device() {
    return rc::gen::map(rc::gen::pair(inRange<unsigned>(0, 4096), inRange<unsigned>(0, 1U << 20U)),
                        [](const std::pair<unsigned, unsigned>& numbers) {
                            return DeviceNumber{numbers.first, numbers.second};
                        });
}

SnapshotTarget any_snapshot() {
    const bool zeroes = *arbitrary<bool>();
    return {*any_device(),
            *any_device(),
            *rc::gen::element(SnapshotStore::Persistent, SnapshotStore::PersistentOverflow, SnapshotStore::Transient),
            {std::uint64_t{1} << *inRange(3, 12)},
            zeroes,
            zeroes && *arbitrary<bool>()};
}

CryptTarget any_crypt() {
    CryptTarget target{.key = SecretKey::random(static_cast<std::size_t>(*inRange(1, 70))).value()};
    if (*arbitrary<bool>())
        target.key = KeyringKey{static_cast<std::size_t>(*inRange(1, 70)), "varve:" + std::to_string(*arbitrary<unsigned>())};
    target.iv_offset = {*arbitrary<std::uint32_t>()};
    target.device = *any_device();
    target.offset = {*arbitrary<std::uint32_t>()};
    target.allow_discards = *arbitrary<bool>();
    target.same_cpu_crypt = *arbitrary<bool>();
    target.submit_from_crypt_cpus = *arbitrary<bool>();
    target.no_read_workqueue = *arbitrary<bool>();
    target.no_write_workqueue = *arbitrary<bool>();
    target.iv_large_sectors = *arbitrary<bool>();
    if (*arbitrary<bool>()) target.sector_bytes = *rc::gen::element(512U, 1024U, 2048U, 4096U);
    return target;
}

DmTargetKind any_kind() {
    switch (*inRange(0, 9)) {
        case 0: return LinearTarget{*any_device(), {*arbitrary<std::uint64_t>()}};
        case 1: return SnapshotOriginTarget{*any_device()};
        case 2: return any_snapshot();
        case 3: return SnapshotMergeTarget{any_snapshot()};
        case 4:
            return ThinPoolTarget{*any_device(),
                                  *any_device(),
                                  {*arbitrary<std::uint32_t>()},
                                  *arbitrary<std::uint64_t>(),
                                  *arbitrary<bool>(),
                                  *arbitrary<bool>(),
                                  *arbitrary<bool>(),
                                  *arbitrary<bool>(),
                                  *arbitrary<bool>()};
        case 5:
            return ThinTarget{*any_device(),
                              {*arbitrary<std::uint32_t>()},
                              *arbitrary<bool>() ? std::optional(*any_device()) : std::nullopt};
        case 6: return any_crypt();
        case 7: return ZeroTarget{};
        default: return ErrorTarget{};
    }
}

TEST(DmTableProperty, WhatIsWrittenIsReadAgain) {
    EXPECT_TRUE(rc::check([] {
        std::vector<DmTarget> targets;
        SectorCount end{};
        for (int left = *inRange(1, 5); left != 0; --left) {
            const SectorCount length{*inRange<std::uint64_t>(1, std::uint64_t{1} << 40)};
            targets.push_back({end, length, any_kind()});
            end = end + length;
        }
        const auto table = DmTable::make(targets);
        RC_ASSERT(table.has_value());
        const auto again = DmTable::parse(table->text().view());
        RC_ASSERT(again.has_value());
        RC_ASSERT(*again == *table);
    }));
}

TEST(DmTableProperty, AnyTextIsReadOrRefused) {
    EXPECT_TRUE(rc::check([](const std::string& noise) {
        const auto type = *rc::gen::element<std::string>("linear", "snapshot", "thin-pool", "thin", "crypt", "zero", "odd");
        for (const auto& text : {noise, "0 8 " + type + " " + noise}) {
            const auto table = DmTable::parse(text);
            RC_ASSERT(table.has_value() || table.error().code == Errc::Corrupt);
        }
    }));
}

}  // namespace
}  // namespace varve::kernel
