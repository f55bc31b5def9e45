// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/terminal_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace varve::cli {
namespace {

struct Character {
    char32_t point = 0;
    std::size_t length = 0;  // bytes; 0 when the text does not start with legal UTF-8
};

bool continues(unsigned char c) { return (c & 0xc0) == 0x80; }

Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
    auto point = static_cast<char32_t>(lead & (0x7f >> length));
    for (std::size_t i = 1; i < length; ++i) {
        if (!continues(byte(i))) return {};
        point = (point << 6) | (byte(i) & 0x3fU);
    }
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return {};
    return {point, length};
}

bool harmful(char32_t point) {
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0x61c || point == 0xfeff;
}

std::string escaped(const char* form, unsigned value) {
    std::array<char, 16> text{};
    const int length = std::snprintf(text.data(), text.size(), form, value);
    return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

std::string printable(std::string_view text) {
    std::string safe;
    while (!text.empty()) {
        const auto character = first_character(text);
        const auto length = std::max<std::size_t>(character.length, 1);
        if (character.length == 0)
            safe += escaped("\\x%02x", static_cast<unsigned char>(text.front()));
        else if (!harmful(character.point))
            safe += text.substr(0, length);
        else
            safe += escaped(character.point < 0x80 ? "\\x%02x" : "\\u{%x}", static_cast<unsigned>(character.point));
        text.remove_prefix(length);
    }
    return safe;
}

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !continues(static_cast<unsigned char>(c)); }));
}

}  // namespace varve::cli
