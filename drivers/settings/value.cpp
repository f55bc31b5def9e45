// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/value.h"

#include "drivers/base/overloaded.h"
#include "drivers/settings/text.h"

#include <algorithm>
#include <charconv>

namespace varve::settings {
namespace {

base::Result<std::string> checked(std::string text) {
    if (text.find('\0') != std::string::npos) return base::fail(base::Errc::InvalidArgument, quote(text) + " has a zero byte in it");
    if (!is_utf8(text))
        return base::fail(base::Errc::InvalidArgument, quote(text) + " is not UTF-8, which the configuration is written in");
    return text;
}

Texts split_at_commas(std::string_view word) {
    Texts parts;
    while (!word.empty()) {
        const auto comma = std::min(word.find(','), word.size());
        parts.emplace_back(word.substr(0, comma));
        word.remove_prefix(std::min(comma + 1, word.size()));
    }
    return parts;
}

}  // namespace

const Entry* Table::find(std::string_view key) const {
    const auto found = std::ranges::find(entries, key, &Entry::key);
    return found == entries.end() ? nullptr : &*found;
}

std::size_t Table::line_of(std::string_view key) const {
    const auto* entry = find(key);
    return entry == nullptr ? line : entry->line;
}

Table flat(Table table) {
    for (const auto& inner : table.tables)
        table.entries.push_back({inner.name, Unusable{inner.listed ? "an array" : "a table"}, inner.line});
    table.tables.clear();
    return table;
}

std::string describe(const Value& value) {
    return std::visit(base::Overloaded{
                          [](const std::string& text) { return "the string " + quote(text); },
                          [](const Integer& integer) { return "the number " + std::to_string(integer.value); },
                          [](bool on) { return std::string(on ? "true" : "false"); },
                          [](const Word& word) { return quote(word.text); },
                          [](const Texts&) { return std::string("an array"); },
                          [](const Unusable& other) { return std::string(other.type); },
                      },
                      value);
}

const std::string* text_in(const Value& value) {
    if (const auto* word = std::get_if<Word>(&value)) return &word->text;
    return std::get_if<std::string>(&value);
}

base::Failure unexpected(std::string_view expected, const Value& found) {
    return base::fail(base::Errc::InvalidArgument, "expected " + std::string(expected) + ", not " + describe(found));
}

base::Result<std::string> text_of(const Value& value, std::string_view expected) {
    const auto* text = text_in(value);
    if (text == nullptr) return unexpected(expected, value);
    return checked(*text);
}

base::Result<Texts> texts_of(const Value& value, std::string_view expected) {
    Texts texts;
    if (const auto* list = std::get_if<Texts>(&value))
        texts = *list;
    else if (const auto* word = std::get_if<Word>(&value))
        texts = split_at_commas(word->text);
    else
        return unexpected(expected, value);
    for (auto& text : texts) text = TRY(checked(std::move(text)));
    return texts;
}

base::Result<std::int64_t> integer_of(const Value& value, std::string_view expected) {
    if (const auto* integer = std::get_if<Integer>(&value)) return integer->value;
    const auto* word = std::get_if<Word>(&value);
    if (word == nullptr) return unexpected(expected, value);
    std::int64_t number = 0;
    const auto* const end = word->text.data() + word->text.size();
    const auto parsed = std::from_chars(word->text.data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return unexpected(expected, value);
    return number;
}

}  // namespace varve::settings
