// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/extent.h"

#include <algorithm>

namespace varve::base {

void append(Extents& extents, const Extent& extent) {
    if (extent.length.count == 0) return;
    if (extents.empty() || extents.back().end() < extent.offset) {
        extents.push_back(extent);
        return;
    }
    auto& last = extents.back();
    last.length = std::max(last.end(), extent.end()) - last.offset;
}

namespace {

// Whole blocks of 2^shift bytes, but for the end.
Extents in_blocks(const Extents& extents, Bytes end, unsigned shift) {
    Extents found;
    for (const auto& extent : extents) {
        if (extent.offset >= end) break;
        const Bytes first{extent.offset.count >> shift << shift};
        const auto last = std::min(extent.end(), end).count - 1;
        const auto blocks = (last >> shift) + 1;
        const auto behind = blocks > (end.count >> shift) ? end : std::min(end, Bytes{blocks << shift});
        append(found, {first, behind - first});
    }
    return found;
}

}  // namespace

Extents coarsened(const Extents& extents, Bytes end, std::size_t most) {
    auto found = in_blocks(extents, end, 0);
    for (unsigned shift = 12; found.size() > most && shift < 64; ++shift) found = in_blocks(found, end, shift);
    return found;
}

}  // namespace varve::base
