// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/text.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace varve::settings {
namespace {

// Length of the well-formed sequence that the text begins with, else 0 (RFC 3629, section 4).
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
    const std::uint8_t lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < lowest || byte(1) > highest) return 0;
    for (std::size_t i = 2; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    return length;
}

// Typing errors from one text to the other: insertions, removals, replacements and swaps of neighbours.
std::size_t typing_errors(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a.size()][b.size()];
}

}  // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string quote(std::string_view text) {
    constexpr std::size_t shown = 80;
    std::string quoted = "'";
    while (!text.empty() && quoted.size() <= shown) {
        const std::size_t length = sequence_length(text);
        const bool printable = length > 1 || (length == 1 && text.front() >= ' ' && text.front() != '\x7f');
        quoted += printable ? text.substr(0, length) : "?";
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return quoted + (text.empty() ? "'" : "...'");
}

std::string_view closest(std::string_view text, std::span<const std::string_view> candidates) {
    constexpr std::size_t tolerated = 2;
    std::string_view best;
    std::size_t fewest = tolerated + 1;
    for (const auto candidate : candidates) {
        if (text.size() > candidate.size() + tolerated) continue;
        const std::size_t errors = typing_errors(text, candidate);
        if (errors >= fewest || errors >= candidate.size() - 1) continue;
        fewest = errors;
        best = candidate;
    }
    return best;
}

}  // namespace varve::settings
