// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/mistakes.h"

namespace varve::settings {

std::string in_one_line(const std::vector<Mistake>& mistakes) {
    std::string all;
    for (const auto& [line, what] : mistakes) {
        if (!all.empty()) all += "; ";
        if (line != 0) (all += "line ").append(std::to_string(line)).append(": ");
        all += what;
    }
    return all;
}

}  // namespace varve::settings
