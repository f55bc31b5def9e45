// SPDX-License-Identifier: LGPL-2.1-or-later
// Collects mistakes, so that all of them can be reported at once.
#pragma once

#include "fs/config/config.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::config {

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

}  // namespace varve::config
