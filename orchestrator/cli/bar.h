// SPDX-License-Identifier: LGPL-2.1-or-later
// How much of something there is, for the eye.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace varve::cli {

// "[#####.....]", `width` characters between the brackets.
[[nodiscard]] std::string bar(std::uint64_t part, std::uint64_t whole, std::size_t width);

}  // namespace varve::cli
