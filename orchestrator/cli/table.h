// SPDX-License-Identifier: LGPL-2.1-or-later
// A table for people: columns as wide as their longest cell, two blanks between them.
#pragma once

#include <string>
#include <vector>

namespace varve::cli {

enum class Align { Left, Right };

class Table {
public:
    struct Column {
        std::string title;
        Align align = Align::Left;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // As many cells as there are columns; they are made printable.
    void add(std::vector<std::string> cells);

    // One line for the titles and one for each row, no blanks at the ends.
    [[nodiscard]] std::string text() const;

private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace varve::cli
