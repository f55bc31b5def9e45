// SPDX-License-Identifier: LGPL-2.1-or-later
// The value of a key, whether it stood in the file or in a command.
#pragma once

#include "drivers/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace varve::settings {

struct Integer {
    std::int64_t value = 0;
    bool octal = false;  // written 0o750
};
struct Word {
    std::string text;
};  // of a command, where text, numbers and switches look alike
struct Unusable {
    std::string_view type;
};  // "a date": a type that no key takes
using Texts = std::vector<std::string>;
using Value = std::variant<std::string, Integer, bool, Word, Texts, Unusable>;

struct Entry {
    std::string key;
    Value value;
    std::size_t line = 0;
};

struct Table {
    std::vector<Entry> entries;
    std::size_t line = 0;
    std::string name;           // of a table within another
    bool listed = false;        // one of several below lines [[name]], in their order
    std::vector<Table> tables;  // within it

    // nullptr when there is none.
    [[nodiscard]] const Entry* find(std::string_view key) const;
    // The line of the key, or the table's when there is none.
    [[nodiscard]] std::size_t line_of(std::string_view key) const;
};

// What a table that may have no tables within it is read as: each of them is an entry that no key takes.
[[nodiscard]] Table flat(Table table);

// "the string 'x'", "the number 5", "a date": as a message names what it found.
[[nodiscard]] std::string describe(const Value& value);

// The text of a string or word, else nullptr.
[[nodiscard]] const std::string* text_in(const Value& value);

// InvalidArgument, saying that `expected` was expected and what was found.
[[nodiscard]] base::Failure unexpected(std::string_view expected, const Value& found);

// A string or a word, free of zero bytes and in UTF-8; InvalidArgument names `expected`.
[[nodiscard]] base::Result<std::string> text_of(const Value& value, std::string_view expected);
// A list of strings, or a word with commas between them; the empty word is none.
[[nodiscard]] base::Result<Texts> texts_of(const Value& value, std::string_view expected);
// A number, or a word that is one in decimal.
[[nodiscard]] base::Result<std::int64_t> integer_of(const Value& value, std::string_view expected);

}  // namespace varve::settings
