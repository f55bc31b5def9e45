// SPDX-License-Identifier: LGPL-2.1-or-later
// Collects mistakes, so that all of them can be reported at once.
#pragma once

#include "drivers/base/result.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::settings {

// A mistake in a text: where, and what was expected.
struct Mistake {
    std::size_t line = 0;  // 1 is the first; 0 when the text as a whole is meant
    std::string what;
};

// "line 3: what; line 7: what": for a message of one line.
[[nodiscard]] std::string in_one_line(const std::vector<Mistake>& mistakes);

class Mistakes {
public:
    void add(std::size_t line, std::string what) { found_.push_back({line, std::move(what)}); }

    // The value; or nothing, and the error noted as a mistake in `key`.
    template <class T>
    [[nodiscard]] std::optional<T> check(std::size_t line, std::string_view key, base::Result<T> result) {
        if (result) return *std::move(result);
        add(line, std::string(key) + ": " + result.error().message());
        return std::nullopt;
    }

    [[nodiscard]] bool none() const { return found_.empty(); }

    // In the order of their lines.
    [[nodiscard]] std::vector<Mistake> take() {
        std::ranges::stable_sort(found_, {}, &Mistake::line);
        return std::move(found_);
    }

private:
    std::vector<Mistake> found_;
};

}  // namespace varve::settings
