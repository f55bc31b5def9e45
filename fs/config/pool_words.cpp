// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/mistakes.h"
#include "drivers/settings/text.h"
#include "fs/config/config.h"
#include "fs/config/pool_table.h"

namespace varve::config {
namespace {

using settings::Mistakes;
using settings::quote;
using settings::Table;
using settings::Word;

void read_parameter_word(const std::string& word, Table& table, Mistakes& mistakes) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) return mistakes.add(0, "expected KEY=VALUE, not " + quote(word));
    auto key = word.substr(0, equals);
    if (key == name_key || key == driver_key) return mistakes.add(0, "'" + key + "' is given by its place: NAME DRIVER KEY=VALUE...");
    if (table.find(key) != nullptr) return mistakes.add(0, quote(key) + " is given twice");
    table.entries.push_back({std::move(key), Word{word.substr(equals + 1)}, 0});
}

}  // namespace

base::Result<PoolConfig> pool_from_words(const std::vector<std::string>& words) {
    Mistakes mistakes;
    Table table;
    const std::string_view leading[] = {name_key, driver_key};
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i < std::size(leading))
            table.entries.push_back({std::string(leading[i]), Word{words[i]}, 0});
        else
            read_parameter_word(words[i], table, mistakes);
    }
    auto pool = read_pool(table, mistakes, {});
    if (mistakes.none() && pool.config) return *std::move(pool.config);
    return base::fail(base::Errc::InvalidArgument, settings::in_one_line(mistakes.take()));
}

}  // namespace varve::config
