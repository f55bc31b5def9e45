// SPDX-License-Identifier: LGPL-2.1-or-later
// What a volume holds, in blocks that say themselves whether they are whole.
#pragma once

#include "drivers/base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace varve::power_cut {

inline constexpr std::size_t block_size = 4096;

// The generation of each block: every write has a generation of its own. 0: never written, all zeros.
using Content = std::vector<std::uint64_t>;

// The bytes of a block of this generation: all of them follow from these two numbers.
[[nodiscard]] std::string block(std::uint64_t generation, std::size_t number);

// Blocks [first, first + count) of one generation.
struct Change {
    std::size_t first = 0;
    std::size_t count = 0;
    std::uint64_t generation = 0;
};
void apply(Content& content, const Change& change);
[[nodiscard]] base::Result<> write(int file, const Change& change);  // and does not sync

// Corrupt when a block is not byte for byte that of some generation.
[[nodiscard]] base::Result<Content> read_content(int file);

// Whether every sector is that of one of these contents, each of its own: what was written and not yet flushed may be there or not.
// Corrupt, with the first sector that is of none of them. All have one size.
[[nodiscard]] base::Result<> check_mixture(int file, const std::vector<const Content*>& contents);

}  // namespace varve::power_cut
