// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/disposables/ids.h"

#include "tests/support/manual_clock.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>

namespace varve::disposables {
namespace {

class DisposableIds : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "varve-ids-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::filesystem::path file() const { return directory_ / "ids"; }
    // Always wants the same first.
    Ids wanting(std::uint32_t id) {
        return Ids::open(file(), clock_, [id](std::uint32_t below) { return id % below; }).value();
    }
    static bool nothing_taken(const base::VmName&) { return false; }

    std::filesystem::path directory_;
    test_support::ManualClock clock_{{1'000'000'000, 0}};
};

TEST_F(DisposableIds, OneThatWasGivenRestsAWeek) {
    auto ids = wanting(7);
    EXPECT_EQ(ids.allocate(nothing_taken)->str(), "disp7");
    EXPECT_EQ(ids.allocate(nothing_taken)->str(), "disp8");
    clock_.advance(seconds_of_rest - 1);
    EXPECT_EQ(ids.allocate(nothing_taken)->str(), "disp9");
    clock_.advance(1);
    EXPECT_EQ(ids.allocate(nothing_taken)->str(), "disp7");
}

TEST_F(DisposableIds, IsRememberedOverARestart) {
    EXPECT_EQ(wanting(7).allocate(nothing_taken)->str(), "disp7");
    EXPECT_EQ(wanting(7).allocate(nothing_taken)->str(), "disp8");
}

TEST_F(DisposableIds, WhatIsTakenIsNotGiven) {
    auto ids = wanting(9999);
    EXPECT_EQ(ids.allocate([](const base::VmName& name) { return name.str() == "disp9999"; })->str(), "disp0");
}

TEST_F(DisposableIds, WhenAllAreGoneItSaysSo) {
    auto ids = wanting(0);
    const auto refused = ids.allocate([](const base::VmName&) { return true; });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, base::Errc::NoSpace);
    EXPECT_EQ(refused.error().message(), "all 50000 names of disposables are in use or were within the last week");
    EXPECT_EQ(ids.allocate([](const base::VmName& name) { return name.str() != "disp34567"; })->str(), "disp34567");
}

TEST_F(DisposableIds, WhenThoseOfFourDigitsAreGoneTheyHaveFive) {
    constexpr int minute = 60;
    {
        std::ofstream given(file());
        for (std::int64_t id = 0; id < 9999; ++id) given << id << ' ' << clock_.now().seconds + id * minute << '\n';
    }
    clock_.advance(std::int64_t{9999} * minute);
    EXPECT_EQ(wanting(7).allocate(nothing_taken)->str(), "disp9999");
    clock_.advance(minute);
    EXPECT_EQ(wanting(7).allocate(nothing_taken)->str(), "disp10007");
    EXPECT_EQ(wanting(7).allocate(nothing_taken)->str(), "disp10008");
    EXPECT_EQ(wanting(39999).allocate(nothing_taken)->str(), "disp49999");
    EXPECT_EQ(wanting(39999).allocate(nothing_taken)->str(), "disp10000");
    // The first ones have rested.
    clock_.advance(seconds_of_rest - std::int64_t{10000} * minute);
    EXPECT_EQ(wanting(7).allocate(nothing_taken)->str(), "disp0");
    EXPECT_EQ(wanting(7).allocate(nothing_taken)->str(), "disp10009");
    clock_.advance(seconds_of_rest);
    EXPECT_EQ(wanting(7).allocate(nothing_taken)->str(), "disp7");
}

TEST_F(DisposableIds, AllOfThemCanBeReadAgain) {
    {
        std::ofstream given(file());
        for (std::uint32_t id = 0; id + 1 < all_ids; ++id) given << id << " 1763880000\n";
    }
    clock_.advance(763'880'000);
    EXPECT_TRUE(wanting(0).allocate(nothing_taken));
    EXPECT_EQ(wanting(0).allocate(nothing_taken).error().code, base::Errc::NoSpace);
}

TEST_F(DisposableIds, OneThatCouldNotBeNotedWasNotGiven) {
    auto ids = wanting(7);
    std::filesystem::remove(directory_);
    std::ofstream(directory_) << "no directory";
    EXPECT_FALSE(ids.allocate(nothing_taken));
    std::filesystem::remove(directory_);
    std::filesystem::create_directory(directory_);
    EXPECT_EQ(ids.allocate(nothing_taken)->str(), "disp7");
}

TEST_F(DisposableIds, AClockThatWasWrongBlocksNothingForEver) {
    clock_.advance(10 * seconds_of_rest);
    auto ids = wanting(7);
    EXPECT_EQ(ids.allocate(nothing_taken)->str(), "disp7");
    clock_.advance(-10 * seconds_of_rest);
    EXPECT_EQ(ids.allocate(nothing_taken)->str(), "disp8");
    clock_.advance(seconds_of_rest);
    EXPECT_EQ(ids.allocate(nothing_taken)->str(), "disp7");
}

TEST_F(DisposableIds, AFileThatCannotBeUnderstoodIsAnError) {
    for (const char* text : {"x 1\n", "1\n", "50000 1\n", "-1 1\n", "1 1 1\n", "1 x\n"}) {
        std::ofstream(file()) << text;
        const auto ids = Ids::open(file(), clock_, &random_below);
        ASSERT_FALSE(ids) << text;
        EXPECT_EQ(ids.error().code, base::Errc::Corrupt);
    }
}

TEST_F(DisposableIds, AreRandom) {
    auto ids = Ids::open(file(), clock_, &random_below).value();
    std::set<std::string> names;
    for (int i = 0; i < 20; ++i) names.insert(ids.allocate(nothing_taken)->str());
    EXPECT_EQ(names.size(), 20U);
    EXPECT_FALSE(names.contains("disp0") && names.contains("disp1") && names.contains("disp2"));
}

}  // namespace
}  // namespace varve::disposables
