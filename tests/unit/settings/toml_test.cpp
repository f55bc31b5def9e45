// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/scalars.h"
#include "drivers/settings/toml_document.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cctype>

namespace varve::settings {
namespace {

std::string texts(const Table& table, const std::string& key) {
    const auto* entry = table.find(key);
    return entry == nullptr ? "absent" : describe(entry->value);
}

TEST(TomlDocument, KeepsTablesAndListsWithTheirLines) {
    const auto top = read_toml(
        "a = 'x'\nl = ['p', 'q']\nmixed = ['p', 1]\nnone = []\n[one]\nb = 1\n[[many]]\nc = true\n[[many]]\n[many.inner]\nd = 2\n");
    ASSERT_TRUE(top);
    EXPECT_EQ(texts(*top, "a"), "the string 'x'");
    EXPECT_EQ(std::get<Texts>(top->find("l")->value), (Texts{"p", "q"}));
    EXPECT_EQ(std::get<Texts>(top->find("none")->value), Texts{});
    EXPECT_TRUE(std::holds_alternative<Unusable>(top->find("mixed")->value));
    ASSERT_EQ(top->tables.size(), 3U);
    EXPECT_EQ(top->tables[0].name, "many");
    EXPECT_TRUE(top->tables[0].listed);
    EXPECT_EQ(top->tables[0].line_of("c"), 8U);
    EXPECT_EQ(top->tables[1].tables.at(0).name, "inner");
    EXPECT_EQ(top->tables[2].name, "one");
    EXPECT_FALSE(top->tables[2].listed);
    EXPECT_EQ(top->line_of("l"), 2U);
}

TEST(TomlDocument, TablesWhereNoneMayBeAreEntriesThatNoKeyTakes) {
    const auto top = read_toml("[one]\nb = 1\n[[many]]\n");
    ASSERT_TRUE(top);
    const auto plain = flat(*top);
    EXPECT_TRUE(plain.tables.empty());
    EXPECT_EQ(texts(plain, "one"), "a table");
    EXPECT_EQ(texts(plain, "many"), "an array");
}

std::string shown(const Table& table) {
    std::string all = table.name + (table.listed ? "[]" : "") + "{";
    for (const auto& [key, value, line] : table.entries) {
        all += key + "=" + describe(value);
        if (const auto* list = std::get_if<Texts>(&value))
            for (const auto& text : *list) all += "," + text;
        all += ";";
    }
    for (const auto& inner : table.tables) all += shown(inner);
    return all + "}";
}

rc::Gen<std::string> ascii_text() { return rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127)); }

RC_GTEST_PROP(TomlDocument, ReadsBackWhatItWrites, ()) {
    Table table;
    const auto keys = *rc::gen::unique<std::vector<std::string>>(ascii_text());
    for (const auto& key : keys) {
        const auto kind = *rc::gen::inRange(0, 4);
        Value value = *ascii_text();
        if (kind == 1) value = Integer{*rc::gen::arbitrary<std::int64_t>(), false};
        if (kind == 2) value = *rc::gen::arbitrary<bool>();
        if (kind == 3) value = *rc::gen::container<Texts>(ascii_text());
        table.entries.push_back({key, value, 0});
    }
    std::ranges::sort(table.entries, {}, &Entry::key);
    Table inner = table;
    inner.name = *ascii_text();
    inner.listed = *rc::gen::arbitrary<bool>();
    RC_PRE(std::ranges::find(keys, inner.name) == keys.end());
    table.tables.push_back(inner);
    const auto again = read_toml(to_toml(table));
    RC_ASSERT(again.has_value());
    RC_ASSERT(shown(*again) == shown(table));
}

RC_GTEST_PROP(Scalars, DurationsAndAmountsReadBack, ()) {
    const std::chrono::milliseconds time(*rc::gen::inRange<std::int64_t>(0, 1'000'000'000));
    RC_ASSERT(precise_duration(duration_text(time)).value() == time);
    const base::Bytes bytes{*rc::gen::arbitrary<std::uint64_t>()};
    RC_ASSERT(amount(amount_text(bytes)).value() == bytes);
}

TEST(Scalars, PreciseDurationsHaveLimits) {
    for (const char* bad : {"", "ms", "-1ms", "1.5ms", "99999999999999999999ms", "3153600000001000ms", "1 ms"})
        EXPECT_FALSE(precise_duration(std::string(bad))) << bad;
    EXPECT_EQ(precise_duration(Word{"250ms"}).value(), std::chrono::milliseconds(250));
    EXPECT_EQ(precise_duration(Integer{2}).value(), std::chrono::seconds(2));
}

TEST(Texts, WordsAreSplitAtCommas) {
    EXPECT_EQ(texts_of(Word{"a,b"}, "names").value(), (Texts{"a", "b"}));
    EXPECT_EQ(texts_of(Word{""}, "names").value(), Texts{});
    EXPECT_FALSE(texts_of(std::string("a"), "names"));
    EXPECT_FALSE(texts_of(Texts{std::string("a\0b", 3)}, "names"));
    EXPECT_FALSE(texts_of(Texts{"\xff"}, "names"));
}

TEST(Mistakes, InOneLine) { EXPECT_EQ(in_one_line({{3, "a"}, {0, "b"}}), "line 3: a; b"); }

}  // namespace
}  // namespace varve::settings
