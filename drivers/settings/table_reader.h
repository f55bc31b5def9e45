// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads the keys of a table one by one, and knows in the end which of them nobody asked for.
#pragma once

#include "drivers/settings/mistakes.h"
#include "drivers/settings/value.h"

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace varve::settings {

class TableReader {
public:
    // `path` stands before its keys in messages: "" for the whole text, "boot." for a table [boot]. The table outlives the reader.
    TableReader(const Table& table, std::string path, Mistakes& mistakes) : table_(table), path_(std::move(path)), mistakes_(mistakes) {}

    // What `read` makes of the key's value; nothing when there is no such key, or a mistake in it, which is noted.
    template <class Read>
    auto value(std::string_view key, Read read) -> std::optional<typename std::invoke_result_t<Read, const Value&>::value_type> {
        asked_.emplace_back(key);
        const auto* entry = table_.find(key);
        if (entry == nullptr) return std::nullopt;
        auto result = read(entry->value);
        if (!result) failed_ = true;
        return mistakes_.check(entry->line, path_ + entry->key, std::move(result));
    }

    // The same; that there is none is a mistake, which says what was expected unless that is empty.
    template <class Read>
    auto required(std::string_view key, Read read, std::string_view expected = {}) {
        auto result = value(key, std::move(read));
        const auto rest = expected.empty() ? std::string() : ": expected " + std::string(expected);
        if (table_.find(key) == nullptr) note(table_.line, path_ + std::string(key) + " is missing" + rest);
        return result;
    }

    [[nodiscard]] bool has(std::string_view key) const { return table_.find(key) != nullptr; }
    // The table [name]; nullptr when there is none.
    [[nodiscard]] const Table* table(std::string_view name);
    // The tables below lines [[name]].
    [[nodiscard]] std::vector<const Table*> list(std::string_view name);

    // A mistake in the key's value, or where the key should be.
    void note(std::string_view key, std::string_view what) {
        note(table_.line_of(key), path_ + std::string(key) + ": " + std::string(what));
    }
    // Makes a mistake of what was not asked for so far, and says whether there was none at all.
    [[nodiscard]] bool finish();

private:
    void note(std::size_t line, std::string what) {
        failed_ = true;
        mistakes_.add(line, std::move(what));
    }
    [[nodiscard]] bool was_asked(std::string_view key) const;
    void refuse_unknown(std::string_view key, std::size_t line);

    const Table& table_;
    std::string path_;
    Mistakes& mistakes_;
    std::vector<std::string> asked_;
    bool failed_ = false;
};

}  // namespace varve::settings
