// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/config/value.h"

#include "drivers/api/overloaded.h"
#include "fs/config/text.h"

#include <charconv>

namespace varve::config {

std::string describe(const Value& value) {
    return std::visit(api::Overloaded{
                          [](const std::string& text) { return "the string " + quote(text); },
                          [](const Integer& integer) { return "the number " + std::to_string(integer.value); },
                          [](bool on) { return std::string(on ? "true" : "false"); },
                          [](const Word& word) { return quote(word.text); },
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
    if (text->find('\0') != std::string::npos) return base::fail(base::Errc::InvalidArgument, quote(*text) + " has a zero byte in it");
    if (!is_utf8(*text))
        return base::fail(base::Errc::InvalidArgument, quote(*text) + " is not UTF-8, which the configuration is written in");
    return *text;
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

}  // namespace varve::config
