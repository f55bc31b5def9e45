// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/toml_document.h"
#include "fs/config/config.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace varve::config {
namespace {

using settings::toml_string;

template <class... Arguments>
std::string formatted(const char* format, Arguments... arguments) {
    std::array<char, 32> text{};
    const int length = std::snprintf(text.data(), text.size(), format, arguments...);
    return {text.data(), static_cast<std::size_t>(length)};
}

// Whether the text is what a reader makes of the bare number.
bool is_number(const std::string& text) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ec == std::errc{} && std::to_string(number) == text;
}

std::string value(const std::string& text) { return text == "true" || text == "false" || is_number(text) ? text : toml_string(text); }

std::string portion(const base::Portion& portion) {
    const auto* percent = std::get_if<base::Percent>(&portion);
    if (percent == nullptr) return std::to_string(std::get<base::Bytes>(portion).count);
    return "\"" + formatted("%.17g", percent->value) + "%\"";
}

}  // namespace

std::string to_toml(const PoolConfig& pool) {
    const auto& settings = pool.settings;
    std::string text = "[[pool]]\n";
    text += "name = " + toml_string(settings.name.str()) + "\n";
    text += "driver = " + toml_string(settings.driver) + "\n";
    for (const auto& [key, parameter] : settings.parameters) text += key + " = " + value(parameter) + "\n";
    text += "revisions_to_keep = " + std::to_string(settings.revisions_to_keep.count()) + "\n";
    text += "schedule = " + toml_string(pool.schedule.str()) + "\n";
    if (pool.prune_below) text += "prune_below = " + portion(*pool.prune_below) + "\n";
    text += "owner = " + std::to_string(pool.ownership.uid) + "\n";
    text += "group = " + std::to_string(pool.ownership.gid) + "\n";
    text += "mode = \"" + formatted("%04o", static_cast<unsigned>(pool.ownership.mode)) + "\"\n";
    return text;
}

}  // namespace varve::config
