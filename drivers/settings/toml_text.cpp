// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/overloaded.h"
#include "drivers/settings/toml_document.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace varve::settings {
namespace {

template <class... Arguments>
std::string formatted(const char* format, Arguments... arguments) {
    std::array<char, 32> text{};
    const int length = std::snprintf(text.data(), text.size(), format, arguments...);
    return {text.data(), static_cast<std::size_t>(length)};
}

bool is_bare(std::string_view key) {
    return !key.empty() &&
           key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == std::string_view::npos;
}

std::string toml_key(std::string_view key) { return is_bare(key) ? std::string(key) : toml_string(key); }

std::string toml_list(const Texts& texts) {
    std::string list = "[";
    for (const auto& text : texts) (list += list.size() == 1 ? "" : ", ").append(toml_string(text));
    return list + ']';
}

std::string toml_value(const Value& value) {
    return std::visit(base::Overloaded{
                          [](const std::string& text) { return toml_string(text); },
                          [](const Integer& integer) {
                              return integer.octal ? formatted("0o%o", static_cast<unsigned>(integer.value))
                                                   : std::to_string(integer.value);
                          },
                          [](bool on) { return std::string(on ? "true" : "false"); },
                          [](const Word& word) { return toml_string(word.text); },
                          [](const Texts& texts) { return toml_list(texts); },
                          [](const Unusable&) { return std::string("\"\""); },
                      },
                      value);
}

void write(const Table& table, const std::string& path, std::string& text) {
    for (const auto& [key, value, line] : table.entries) text += toml_key(key).append(" = ").append(toml_value(value)).append("\n");
    for (const auto& inner : table.tables) {
        const auto inner_path = path.empty() ? toml_key(inner.name) : std::string(path).append(".").append(toml_key(inner.name));
        text.append(inner.listed ? "\n[[" : "\n[").append(inner_path).append(inner.listed ? "]]\n" : "]\n");
        write(inner, inner_path, text);
    }
}

}  // namespace

std::string toml_string(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            (result += '\\') += c;
        else if (byte < 0x20 || byte == 0x7f)
            result += formatted("\\u%04X", static_cast<unsigned>(byte));
        else
            result += c;
    }
    return result + '"';
}

std::string to_toml(const Table& table) {
    std::string text;
    write(table, "", text);
    return text;
}

}  // namespace varve::settings
