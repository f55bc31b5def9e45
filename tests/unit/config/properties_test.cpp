// SPDX-License-Identifier: LGPL-2.1-or-later
// What holds for every pool and every input.
#include "drivers/settings/text.h"
#include "tests/unit/config/expectations.h"

#include <rapidcheck/gtest.h>

#include <algorithm>

namespace varve::config::tests {
namespace {

void append_utf8(std::string& text, char32_t c) {
    const auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((c >> shift) & 0x3f)); };
    if (c < 0x80) {
        text += static_cast<char>(c);
    } else if (c < 0x800) {
        text += static_cast<char>(0xc0 | (c >> 6));
        tail(0);
    } else if (c < 0x10000) {
        text += static_cast<char>(0xe0 | (c >> 12));
        tail(6), tail(0);
    } else {
        text += static_cast<char>(0xf0 | (c >> 18));
        tail(12), tail(6), tail(0);
    }
}

// Any text but zero bytes; more often what has a meaning in TOML.
rc::Gen<std::string> any_text() {
    const auto any_character =
        rc::gen::suchThat(rc::gen::inRange<char32_t>(1, 0x110000), [](char32_t c) { return c < 0xd800 || c > 0xdfff; });
    const auto character = rc::gen::oneOf(rc::gen::element<char32_t>('"', '\'', '\\', '\n', '\r', '\t', '#', '=', '[', ' ', 0x7f),
                                          rc::gen::inRange<char32_t>(1, 0x80), any_character);
    return rc::gen::oneOf(
        rc::gen::map(rc::gen::container<std::vector<char32_t>>(character),
                     [](const std::vector<char32_t>& characters) {
                         std::string text;
                         for (const auto c : characters) append_utf8(text, c);
                         return text;
                     }),
        rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t number) { return std::to_string(number); }),
        rc::gen::element<std::string>("", "true", "false", "True", "-0", "007", "+5", "1.5", "nan", "9223372036854775808", "2026-01-02"));
}

rc::Gen<std::string> name_of(std::string first, std::string rest, std::size_t longest) {
    return rc::gen::apply([longest](char head, std::string tail) { return (head + tail).substr(0, longest); },
                          rc::gen::elementOf(std::move(first)), rc::gen::container<std::string>(rc::gen::elementOf(std::move(rest))));
}

const std::string lower_case = "abcdefghijklmnopqrstuvwxyz";
const std::string upper_case_and_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

rc::Gen<PoolConfig> any_pool() {
    const auto key =
        rc::gen::map(name_of(lower_case, lower_case + "0123456789_-", 58), [](const std::string& rest) { return "param_" + rest; });
    return rc::gen::apply(
        [](const std::string& name, std::string driver, std::map<std::string, std::string> parameters, long long keep,
           api::Ownership ownership, const std::string& schedule, std::optional<base::Portion> prune_below) {
            return PoolConfig{{*base::PoolName::parse(name), std::move(driver), std::move(parameters), *api::RevisionsToKeep::from(keep)},
                              ownership,
                              *api::Schedule::parse(schedule),
                              prune_below};
        },
        name_of(lower_case + upper_case_and_digits, lower_case + upper_case_and_digits + "_.-", 64),
        name_of(lower_case, lower_case + "0123456789_-", 64), rc::gen::container<std::map<std::string, std::string>>(key, any_text()),
        rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t count) -> long long { return std::max<std::int64_t>(count, -1); }),
        rc::gen::apply(
            [](uid_t uid, gid_t gid, mode_t mode) {
                return api::Ownership{uid, gid, mode};
            },
            rc::gen::inRange<uid_t>(0, UINT32_MAX), rc::gen::inRange<gid_t>(0, UINT32_MAX), rc::gen::inRange<mode_t>(0, 01000)),
        rc::gen::element<std::string>("none", "1h", "24h 7d 4w 12m 100000y"),
        rc::gen::apply(
            [](int which, std::uint64_t amount) -> std::optional<base::Portion> {
                if (which == 0) return std::nullopt;
                if (which == 1) return base::Bytes{amount};
                return base::Percent{static_cast<double>(amount % 100'000) / 1000};
            },
            rc::gen::inRange(0, 3), rc::gen::inRange<std::uint64_t>(0, INT64_MAX)));
}

RC_GTEST_PROP(RoundTrip, ATableGivesThePoolBack, ()) {
    const auto pool = *any_pool();
    const auto config = parse(to_toml(pool));
    if (!config) RC_FAIL(listed(config.error()) + to_toml(pool));
    RC_ASSERT(config->pools.size() == 1U);
    RC_ASSERT(equal(config->pools.front(), pool));
}

RC_GTEST_PROP(RoundTrip, WordsGiveThePoolBack, ()) {
    const auto pool = *any_pool();
    std::vector<std::string> words{pool.settings.name.str(),
                                   pool.settings.driver,
                                   "revisions_to_keep=" + std::to_string(pool.settings.revisions_to_keep.count()),
                                   "schedule=" + pool.schedule.str(),
                                   "owner=" + std::to_string(pool.ownership.uid),
                                   "group=" + std::to_string(pool.ownership.gid)};
    for (const auto& [key, value] : pool.settings.parameters) words.push_back(key + "=" + value);
    auto read = pool_from_words(words);
    if (!read) RC_FAIL(read.error().message());
    read->ownership.mode = pool.ownership.mode;
    read->prune_below = pool.prune_below;
    RC_ASSERT(equal(*read, pool));
}

// A configuration, or mistakes that can be shown: lines of the text, in order, in words without control characters.
void check_answer(const std::string& text) {
    const auto config = parse(text);
    if (config) return;
    RC_ASSERT(!config.error().empty());
    RC_ASSERT(std::ranges::is_sorted(config.error(), {}, &Mistake::line));
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    for (const auto& mistake : config.error()) {
        if (mistake.line < 1 || mistake.line > lines) RC_FAIL(listed(config.error()) + text);
        RC_ASSERT(!mistake.what.empty());
        RC_ASSERT(settings::is_utf8(mistake.what));
        RC_ASSERT(std::ranges::none_of(mistake.what, [](unsigned char c) { return c < ' ' || c == 0x7f; }));
    }
}

RC_GTEST_PROP(Robustness, RandomBytes, (const std::string& text)) { check_answer(text); }

RC_GTEST_PROP(Robustness, RandomPiecesOfAFile, ()) {
    const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "mountpoint", "state_dir", "min_free", "prune_grace", "pool", "[[pool]]", "[pool]", "\n", "\n", " = ", " = ", "'", "\"", "\"\"\"",
        "'/a'", "\"5%\"", "0o750", "mode", "name", "driver", "owner", "'p'", "'sim'", "{", "}", "[", "]", ",", ".", "#", "\\u", "\\", "1e9",
        "true", "-1", "2026-01-02T03:04:05Z", "\xff", "\xe2\x82"));
    std::string text;
    for (const auto& piece : pieces) text += piece;
    check_answer(text);
}

RC_GTEST_PROP(Robustness, RandomWords, (const std::vector<std::string>& words)) {
    const auto pool = pool_from_words(words);
    if (pool) return;
    RC_ASSERT(pool.error().code == base::Errc::InvalidArgument);
    RC_ASSERT(settings::is_utf8(pool.error().message()));
}

}  // namespace
}  // namespace varve::config::tests
