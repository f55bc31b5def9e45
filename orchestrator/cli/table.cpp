// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/table.h"

#include "orchestrator/cli/terminal_text.h"

#include <algorithm>
#include <utility>

namespace varve::cli {

void Table::add(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    for (auto& cell : cells) cell = printable(cell);
    rows_.push_back(std::move(cells));
}

std::string Table::text() const {
    std::vector<std::size_t> widths;
    for (const auto& column : columns_) widths.push_back(columns(column.title));
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));

    std::string text;
    const auto add_line = [&](const auto& cell_of) {
        std::string line;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const std::string& cell = cell_of(i);
            const std::string padding(widths[i] - columns(cell), ' ');
            if (i > 0) line += "  ";
            line += columns_[i].align == Align::Right ? padding + cell : cell + padding;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    };
    add_line([&](std::size_t i) -> const std::string& { return columns_[i].title; });
    for (const auto& row : rows_) add_line([&](std::size_t i) -> const std::string& { return row[i]; });
    return text;
}

}  // namespace varve::cli
