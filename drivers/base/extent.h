// SPDX-License-Identifier: LGPL-2.1-or-later
// Ranges of bytes of an image.
#pragma once

#include "drivers/base/units.h"

#include <cstddef>
#include <vector>

namespace varve::base {

struct Extent {
    Bytes offset;
    Bytes length;

    [[nodiscard]] constexpr Bytes end() const { return offset + length; }
    friend bool operator==(const Extent&, const Extent&) = default;
};

// By offset, and no two touch.
using Extents = std::vector<Extent>;

// Puts one behind the others; one that begins in or at the end of the last makes that longer.
void append(Extents& extents, const Extent& extent);

// The same and more: the parts of them below `end`, and at the most `most`, by taking blocks that are as large as it takes as a whole. `most` is not 0.
[[nodiscard]] Extents coarsened(const Extents& extents, Bytes end, std::size_t most);

}  // namespace varve::base
