// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/bar.h"

#include <algorithm>
#include <cmath>

namespace varve::cli {

std::string bar(std::uint64_t part, std::uint64_t whole, std::size_t width) {
    const auto share = whole == 0 ? 0.0 : std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
    const auto filled = std::min(width, static_cast<std::size_t>(std::lround(share * static_cast<double>(width))));
    return "[" + std::string(filled, '#') + std::string(width - filled, '.') + "]";
}

}  // namespace varve::cli
