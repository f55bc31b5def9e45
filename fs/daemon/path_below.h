// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether one path lies below another, by their names alone.
#pragma once

#include <filesystem>
#include <optional>

namespace varve::daemon {

// What is left of `path` below the directory `top`, or nullopt; `top` itself is not below itself. Symbolic links are not followed.
[[nodiscard]] inline std::optional<std::filesystem::path> path_below(const std::filesystem::path& path, const std::filesystem::path& top) {
    const auto inside = path.lexically_normal().lexically_relative(top.lexically_normal());
    if (inside.empty() || *inside.begin() == ".." || inside == ".") return std::nullopt;
    return inside;
}

}  // namespace varve::daemon
