// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/table_reader.h"

#include "drivers/settings/text.h"

#include <algorithm>

namespace varve::settings {

const Table* TableReader::table(std::string_view name) {
    asked_.emplace_back(name);
    if (const auto* entry = table_.find(name))
        note(entry->line, path_ + entry->key + ": expected a table [" + entry->key + "], not " + describe(entry->value));
    const Table* found = nullptr;
    for (const auto& inner : table_.tables) {
        if (inner.name != name) continue;
        if (inner.listed)
            note(inner.line, path_ + inner.name + ": expected one table [" + inner.name + "], not a list of them");
        else
            found = &inner;
    }
    return found;
}

std::vector<const Table*> TableReader::list(std::string_view name) {
    asked_.emplace_back(name);
    const auto* entry = table_.find(name);
    const auto* none = entry == nullptr ? nullptr : std::get_if<Texts>(&entry->value);
    if (entry != nullptr && (none == nullptr || !none->empty()))
        note(entry->line,
             path_ + entry->key + ": expected tables, each below a line [[" + entry->key + "]], not " + describe(entry->value));
    std::vector<const Table*> found;
    for (const auto& inner : table_.tables) {
        if (inner.name != name) continue;
        if (inner.listed)
            found.push_back(&inner);
        else
            note(inner.line, path_ + inner.name + ": expected tables, each below a line [[" + inner.name + "]], not one table");
    }
    return found;
}

bool TableReader::was_asked(std::string_view key) const { return std::ranges::find(asked_, key) != asked_.end(); }

void TableReader::refuse_unknown(std::string_view key, std::size_t line) {
    const std::vector<std::string_view> known(asked_.begin(), asked_.end());
    std::string what = path_ + "unknown key " + quote(key);
    if (const auto meant = closest(key, known); !meant.empty()) {
        what.append(": did you mean '").append(meant).append("'?");
    } else {
        what += ": expected one of ";
        for (const auto each : known) what.append(each == known.front() ? "'" : ", '").append(each).append("'");
    }
    note(line, std::move(what));
}

bool TableReader::finish() {
    for (const auto& entry : table_.entries)
        if (!was_asked(entry.key)) refuse_unknown(entry.key, entry.line);
    for (const auto& inner : table_.tables)
        if (!was_asked(inner.name)) refuse_unknown(inner.name, inner.line);
    return !failed_;
}

}  // namespace varve::settings
