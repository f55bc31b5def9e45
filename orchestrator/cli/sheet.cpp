// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/sheet.h"

#include "orchestrator/cli/terminal_text.h"

#include <algorithm>

namespace varve::cli {

std::string sheet(const std::vector<std::pair<std::string, std::string>>& rows) {
    std::size_t width = 0;
    for (const auto& row : rows) width = std::max(width, row.first.size());
    std::string text;
    for (const auto& [name, value] : rows) {
        const auto title = name.empty() ? std::string() : name + ":";
        text += title + std::string(width + 3 - title.size(), ' ') + printable(value) + "\n";
    }
    return text;
}

}  // namespace varve::cli
