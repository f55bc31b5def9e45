// SPDX-License-Identifier: LGPL-2.1-or-later
// A status board as text for people, and as JSON.
#pragma once

#include "drivers/base/timestamp.h"
#include "orchestrator/board_reader/snapshot.h"
#include "orchestrator/cli/output.h"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace varve::cli {

// What has happened from one look to the next, for each second.
struct Rates {
    double operations = 0;
    double read = 0;  // bytes
    double written = 0;
};

class RateMeter {
public:
    // nullopt at the first look, and at the first at another daemon.
    [[nodiscard]] std::optional<Rates> add(const board_reader::BoardSnapshot& snapshot, std::chrono::steady_clock::time_point now);

private:
    struct Look {
        board_reader::BoardSnapshot snapshot;
        std::chrono::steady_clock::time_point time;
    };
    std::optional<Look> last_;
    Rates rates_;
};

// Printable, with a newline behind each line.
[[nodiscard]] std::string board_page(const board_reader::BoardSnapshot& snapshot, const std::optional<Rates>& rates, const Output& output,
                                     base::Timestamp now);

[[nodiscard]] nlohmann::json board_object(const board_reader::BoardSnapshot& snapshot, base::Timestamp now);

// "5 s", "2 min", "3 h 5 min", "2 d 3 h".
[[nodiscard]] std::string age(std::int64_t seconds);
// The page's first lines, as wide and high as there is room; the last one says how many more there are.
[[nodiscard]] std::string fitted(std::string_view page, std::size_t columns_there, std::size_t lines_there);

}  // namespace varve::cli
