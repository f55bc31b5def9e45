// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/callback/output_lines.h"

#include <algorithm>

namespace varve::callback {
namespace {

std::string printable(std::string_view line) {
    constexpr char first = ' ';
    constexpr char last = '~';
    std::string text(line.substr(0, longest_line));
    for (char& c : text)
        if (c == '\t')
            c = ' ';
        else if (c < first || c > last)
            c = '?';
    while (!text.empty() && text.back() == ' ') text.pop_back();
    if (line.size() > longest_line) text += "...";
    return text;
}

}  // namespace

std::vector<std::string> printable_lines(std::string_view text) {
    std::vector<std::string> lines;  // last one first
    while (!text.empty() && lines.size() < most_lines) {
        const auto end = text.find_last_of("\r\n");
        auto line = printable(end == std::string_view::npos ? text : text.substr(end + 1));
        if (!line.empty()) lines.push_back(std::move(line));
        text = end == std::string_view::npos ? "" : text.substr(0, end);
    }
    std::ranges::reverse(lines);
    return lines;
}

}  // namespace varve::callback
