// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/revisions.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <string>

namespace varve::api {
namespace {

base::RevisionId revision(std::string_view text) { return base::RevisionId::parse(text).value(); }

State state_of(std::uint64_t id, std::int64_t seconds = 0) {
    return {.id = {id}, .identity = {}, .size = {}, .allocated = {}, .modified = {seconds, 0}, .changed = {}};
}

Revision timed(std::int64_t seconds, std::uint64_t number) {
    return {base::TimedName{seconds, number}, number, state_of(number, seconds), {}};
}

Revision pinned(const std::string& label, std::int64_t seconds) {
    return {base::Label::parse(label).value(), 0, state_of(1'000'000 + static_cast<std::uint64_t>(seconds), seconds), {}};
}

Revisions with_all_kinds() {
    return {{revision("2020-01-01T00:00:01Z"), 4, state_of(1), {}},
            {revision("2020-01-01T00:00:01Z.5"), 5, state_of(2), {}},
            {revision("label"), 0, state_of(3), {}}};
}

Revisions numbered(std::int64_t count) {
    Revisions all;
    for (std::int64_t i = 1; i <= count; ++i) all.insert(timed(i, static_cast<std::uint64_t>(i)));
    return all;
}

std::vector<std::string> names(const Revisions& revisions) {
    std::vector<std::string> all;
    for (const auto& each : revisions) all.push_back(each.id.str());
    return all;
}

std::vector<std::string> names(const std::vector<Revision>& revisions) { return names(Revisions(revisions)); }

TEST(Revisions, FindsARevisionByItsListedAndItsFullName) {
    const auto all = with_all_kinds();
    ASSERT_NE(all.find(revision("2020-01-01T00:00:01Z")), nullptr);
    EXPECT_EQ(all.find(revision("2020-01-01T00:00:01Z"))->state.id, StateId{1});
    ASSERT_NE(all.find(revision("2020-01-01T00:00:01Z.4")), nullptr) << "the full name of one listed without its number";
    EXPECT_EQ(all.find(revision("2020-01-01T00:00:01Z.4"))->state.id, StateId{1});
    EXPECT_EQ(all.find(revision("2020-01-01T00:00:01Z.5"))->state.id, StateId{2});
    EXPECT_EQ(all.find(revision("label"))->state.id, StateId{3});
}

TEST(Revisions, FindsNothingElse) {
    const auto all = with_all_kinds();
    for (const auto* text : {"2020-01-01T00:00:02Z", "2020-01-01T00:00:01Z.6", "2020-01-01T00:00:02Z.4", "other"})
        EXPECT_EQ(all.find(revision(text)), nullptr) << text;
    EXPECT_EQ(all.find_number(0, 0), nullptr) << "a label has no number";
    EXPECT_FALSE(all.has_second(0)) << "a label's time is not taken";
    EXPECT_EQ(Revisions().find(revision("label")), nullptr);
}

TEST(Revisions, FindsAStateWhateverItsTimeSays) {
    const auto all = with_all_kinds();
    ASSERT_NE(all.find(state_of(2, 77)), nullptr);
    EXPECT_EQ(all.find(state_of(2, 77))->id, revision("2020-01-01T00:00:01Z.5"));
    EXPECT_EQ(all.find(state_of(9)), nullptr);
}

TEST(Revisions, AreInTheOrderOfTimeThenNumberHoweverTheyCame) {
    Revisions all;
    all.insert(timed(5, 2));
    all.insert(pinned("five", 5));
    all.insert(timed(5, 1));
    all.insert(timed(4, 9));
    EXPECT_EQ(names(all), (std::vector<std::string>{timed(4, 9).id.str(), "five", timed(5, 1).id.str(), timed(5, 2).id.str()}));
    EXPECT_EQ(names(all), names(std::vector{timed(5, 1), timed(4, 9), timed(5, 2), pinned("five", 5)}));
    EXPECT_EQ(all.front().id, timed(4, 9).id);
    EXPECT_EQ(all.back().id, timed(5, 2).id);
    EXPECT_EQ(all[1].id.str(), "five");
}

TEST(Revisions, ACopyKeepsWhatItHadWhenTheOtherChanges) {
    auto all = numbered(300);
    const auto copy = all;
    all.erase(timed(150, 150).id);
    all.insert(timed(1000, 1000));
    EXPECT_EQ(copy.size(), 300U);
    EXPECT_NE(copy.find(timed(150, 150).id), nullptr);
    EXPECT_EQ(copy.find(timed(1000, 1000).id), nullptr);
    EXPECT_EQ(all.find(timed(150, 150).id), nullptr);
}

TEST(Revisions, ErasingByAnotherNameThanTheListedOneIsNothing) {
    auto all = with_all_kinds();
    all.erase(revision("2020-01-01T00:00:01Z.4"));
    EXPECT_EQ(all.size(), 3U);
    for (const auto* listed : {"2020-01-01T00:00:01Z", "label", "2020-01-01T00:00:01Z.5"}) all.erase(revision(listed));
    EXPECT_TRUE(all.empty());
    EXPECT_EQ(all.begin(), all.end());
}

TEST(Revisions, TellWhatHasChanged) {
    const auto before = numbered(500);
    auto after = before;
    after.erase(timed(1, 1).id);
    after.erase(timed(250, 250).id);
    auto moved = *before.find(timed(400, 400).id);
    moved.replaced = base::Timestamp{7, 0};
    after.erase(moved.id);
    after.insert(moved);
    after.insert(pinned("new", 300));

    const auto changes = Revisions::changes(before, after);
    EXPECT_EQ(names(changes.gone), (std::vector<std::string>{timed(1, 1).id.str(), timed(250, 250).id.str(), moved.id.str()}));
    EXPECT_EQ(names(changes.come), (std::vector<std::string>{"new", moved.id.str()}));
    EXPECT_TRUE(Revisions::changes(before, before).gone.empty());
    EXPECT_EQ(Revisions::changes({}, before).come.size(), 500U);
    EXPECT_EQ(Revisions::changes(before, {}).gone.size(), 500U);
}

// Against the same done to a sorted map.
TEST(Revisions, BehaveAsAnOrderedMapWould) {
    rc::check([] {
        Revisions all;
        std::map<std::pair<std::int64_t, std::uint64_t>, Revision> model;
        const auto steps = *rc::gen::inRange(1, 400);
        for (int step = 0; step < steps; ++step) {
            const auto second = *rc::gen::inRange<std::int64_t>(0, 40);
            const auto number = *rc::gen::inRange<std::uint64_t>(1, 8);
            const auto each = timed(second, number);
            const auto before = all;
            const bool there = model.contains({second, number});
            if (there) {
                all.erase(each.id);
                model.erase({second, number});
            } else {
                all.insert(each);
                model.emplace(std::pair{second, number}, each);
            }
            const auto changes = Revisions::changes(before, all);
            RC_ASSERT(changes.gone == (there ? std::vector{each} : std::vector<Revision>{}));
            RC_ASSERT(changes.come == (there ? std::vector<Revision>{} : std::vector{each}));
            RC_ASSERT((all.find(each.id) != nullptr) == !there);
        }
        RC_ASSERT(all.size() == model.size());
        RC_ASSERT(std::ranges::equal(all, model, {}, {}, [](const auto& entry) { return entry.second; }));
    });
}

}  // namespace
}  // namespace varve::api
