// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/difference.h"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <random>
#include <string>

namespace varve::mount_client {
namespace {

using base::Bytes;
using base::Errc;

base::UniqueFd file_of(std::uint64_t size, const std::vector<std::pair<std::uint64_t, std::string>>& data) {
    base::UniqueFd file(::memfd_create("difference", MFD_CLOEXEC));
    EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
    for (const auto& [at, bytes] : data)
        EXPECT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)), ssize_t(bytes.size()));
    return file;
}

base::Result<Difference> compare(const base::UniqueFd& from, const base::UniqueFd& to, DifferenceOptions options = {}) {
    return difference_of(from.get(), to.get(), options, {});
}

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t mebibyte_of_difference = kibibyte * kibibyte;

TEST(DifferenceTest, LooksOnlyWhereItIsTold) {
    const auto from = file_of(4 * mebibyte_of_difference, {});
    const auto to = file_of(4 * mebibyte_of_difference, {{0, "a"}, {70000, "b"}, {200000, "c"}, {3 * mebibyte_of_difference, "d"}});
    const auto within = [&](const Extents& parts, std::uint64_t block) {
        return difference_of(from.get(), to.get(), parts, {.block = {block}}, {}).value().extents;
    };
    EXPECT_EQ(within({{{65536}, {65536}}, {{3 * mebibyte_of_difference}, {512}}}, 512),
              (Extents{{{69632}, {512}}, {{3 * mebibyte_of_difference}, {512}}}));
    EXPECT_EQ(within({{{70001}, {1}}}, 4096), (Extents{{{69632}, {4096}}})) << "blocks are whole";
    EXPECT_EQ(within({{{70001}, {1}}, {{70003}, {1}}}, 4096), (Extents{{{69632}, {4096}}})) << "and none comes twice";
    EXPECT_EQ(within({{{1000}, {60000}}}, 512), Extents{});
    EXPECT_EQ(within({}, 512), Extents{});
}

TEST(DifferenceTest, ListsWhatDiffersAndNothingElse) {
    const auto from = file_of(4 * mebibyte_of_difference, {{0, "same"}, {5000, "old"}, {2 * mebibyte_of_difference - 1, "x"}});
    const auto to = file_of(4 * mebibyte_of_difference, {{0, "same"}, {5000, "new"}, {2 * mebibyte_of_difference - 1, "yz"}});
    const auto found = compare(from, to);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->extents, (Extents{{{4608}, {512}}, {{2 * mebibyte_of_difference - 512}, {1024}}})) << "across two pieces";
    EXPECT_EQ(found->sum(), Bytes{1536});
    const auto coarse = compare(from, to, {.block = {64 * kibibyte}});
    ASSERT_TRUE(coarse);
    EXPECT_EQ(coarse->extents, (Extents{{{0}, {64 * kibibyte}}, {{2 * mebibyte_of_difference - 64 * kibibyte}, {128 * kibibyte}}}));
    EXPECT_TRUE(compare(from, from)->extents.empty());
}

TEST(DifferenceTest, ZerosAndHolesAreTheSame) {
    const auto holes = file_of(std::uint64_t{1} << 40, {});
    const auto zeros = file_of(std::uint64_t{1} << 40, {{mebibyte_of_difference, std::string(mebibyte_of_difference, '\0')}});
    EXPECT_TRUE(compare(holes, zeros)->extents.empty());
    EXPECT_TRUE(compare(zeros, holes)->extents.empty());
}

TEST(DifferenceTest, BehindTheEndAreZeros) {
    const auto small = file_of(1024, {{0, "a"}});
    const auto large = file_of(mebibyte_of_difference + 512, {{0, "a"}, {mebibyte_of_difference, "tail"}});
    for (const auto& found : {compare(small, large), compare(large, small)}) {
        ASSERT_TRUE(found);
        EXPECT_EQ(found->extents, (Extents{{{mebibyte_of_difference}, {512}}}));
    }
    EXPECT_EQ(compare(small, large)->to_size, Bytes{mebibyte_of_difference + 512});
    EXPECT_EQ(compare(small, large, {.block = {mebibyte_of_difference}})->extents, (Extents{{{mebibyte_of_difference}, {512}}}))
        << "the last is cut";
    const auto empty = file_of(0, {});
    EXPECT_TRUE(compare(empty, empty)->extents.empty());
    EXPECT_EQ(compare(empty, small)->extents, (Extents{{{0}, {512}}}));
}

TEST(DifferenceTest, RandomChangesAreAllFound) {
    std::mt19937_64 random(3);
    std::string old(3 * mebibyte_of_difference, 'o');
    auto changed = old;
    for (int i = 0; i < 200; ++i) changed[random() % changed.size()] = 'n';
    const auto found = compare(file_of(old.size(), {{0, old}}), file_of(old.size(), {{0, changed}}));
    ASSERT_TRUE(found);
    for (const auto& extent : found->extents)
        for (auto at = extent.offset.count; at < (extent.offset + extent.length).count; at += 512)
            EXPECT_NE(old.substr(at, 512), changed.substr(at, 512)) << at;
    for (const auto& extent : found->extents)
        old.replace(extent.offset.count, extent.length.count, changed, extent.offset.count, extent.length.count);
    EXPECT_EQ(old, changed);
}

TEST(DifferenceTest, LimitsAndInterrupts) {
    const auto from = file_of(1 << 20, {});
    std::string every(1 << 20, '\0');
    for (std::size_t at = 0; at < every.size(); at += 1024) every[at] = 'x';
    const auto to = file_of(1 << 20, {{0, every}});
    EXPECT_EQ(compare(from, to)->extents.size(), 1024U);
    EXPECT_EQ(compare(from, to, {.most_extents = 1023}).error().code, Errc::TooLarge);
    EXPECT_EQ(compare(from, to, {.block = {1024}})->extents.size(), 1U);
    for (const std::uint64_t block : {0, 1, 256, 768, 1000, 2 << 20})
        EXPECT_EQ(compare(from, to, {.block = {block}}).error().code, Errc::InvalidArgument) << block;
    EXPECT_EQ(difference_of(from.get(), to.get(), {}, {{}, [] { return true; }}).error().code, Errc::Interrupted);
}

}  // namespace
}  // namespace varve::mount_client
