// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/toml_document.h"

// Two faults of toml++ 3.3 that any text can reach (the fuzz target found them):
// - it asserts (with NDEBUG: lets clang assume) what a malformed file breaks, "[=" is enough; the errors it reports behind its assertions
//   are right, so they are switched off, in every build type alike;
// - its table of white space calls most non-ASCII characters unreachable; they are no white space.
// clang-format off
#undef NDEBUG
#define TOML_ASSERT(expr) static_assert(true)
#if __has_include(<toml++/toml.hpp>)  // 3.4 renamed its files
#include <toml++/impl/forward_declarations.hpp>
#else
#include <toml++/impl/forward_declarations.h>
#endif
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#if __has_include(<toml++/toml.hpp>)
#include <toml++/impl/unicode.hpp>
#else
#include <toml++/impl/unicode.h>
#endif
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE __builtin_unreachable()
#include <toml++/toml.h>
// clang-format on

#include <algorithm>

namespace varve::settings {
namespace {

std::string_view type_of(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table: return "a table";
        case toml::node_type::array: return "an array";
        case toml::node_type::floating_point: return "a number with a fraction";
        case toml::node_type::date: return "a date";
        case toml::node_type::time: return "a time of day";
        case toml::node_type::date_time: return "a date and time";
        default: return "a value of another type";
    }
}

Value value_of(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* integer = node.as_integer())
        // The three notations share bits: hexadecimal is binary and octal together.
        return Integer{integer->get(), (integer->flags() & toml::value_flags::format_as_hexadecimal) == toml::value_flags::format_as_octal};
    if (const auto* on = node.as_boolean()) return on->get();
    const auto* array = node.as_array();
    if (array == nullptr || !std::ranges::all_of(*array, [](const toml::node& each) { return each.is_string(); }))
        return Unusable{type_of(node)};
    Texts texts;
    texts.reserve(array->size());
    for (const auto& each : *array) texts.push_back(each.as_string()->get());
    return texts;
}

bool lists_tables(const toml::array& array) {
    return !array.empty() && std::ranges::all_of(array, [](const toml::node& each) { return each.is_table(); });
}

Table table_of(const toml::table& table, std::string name, bool listed) {
    Table result;
    result.line = table.source().begin.line;
    result.name = std::move(name);
    result.listed = listed;
    for (const auto& [key, node] : table) {
        const std::string inner(key.str());
        const auto* array = node.as_array();
        if (const auto* one = node.as_table())
            result.tables.push_back(table_of(*one, inner, false));
        else if (array != nullptr && lists_tables(*array))
            for (const auto& each : *array) result.tables.push_back(table_of(*each.as_table(), inner, true));
        else
            result.entries.push_back({inner, value_of(node), key.source().begin.line});
    }
    return result;
}

}  // namespace

tl::expected<Table, Mistake> read_toml(std::string_view text) {
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        const auto& error = parsed.error();
        return tl::unexpected(Mistake{error.source().begin.line, std::string(error.description())});
    }
    auto top = table_of(parsed.table(), "", false);
    top.line = 0;
    return top;
}

}  // namespace varve::settings
