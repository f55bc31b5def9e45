// SPDX-License-Identifier: LGPL-2.1-or-later
// What exec(3) and posix_spawn(3) take.
#pragma once

#include <string>
#include <vector>

namespace varve::base {

// Points to the texts, which live longer and stay as they are; behind them a null pointer.
[[nodiscard]] inline std::vector<char*> argument_vector(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (auto& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace varve::base
