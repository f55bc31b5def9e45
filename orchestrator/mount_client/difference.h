// SPDX-License-Identifier: LGPL-2.1-or-later
// Where two states of a volume differ.
#pragma once

#include "drivers/base/extent.h"
#include "orchestrator/mount_client/copy_image.h"
#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

#include <cstddef>

namespace varve::mount_client {

using base::Extent;
using base::Extents;

struct Difference {
    base::Bytes from_size;
    base::Bytes to_size;
    Extents extents;

    [[nodiscard]] base::Bytes sum() const;
};

struct DifferenceOptions {
    // What is compared as a whole and found in an extent as a whole: a power of two from 512 to largest_block.
    base::Bytes block{base::sector_size};
    // More extents than that are an error, TooLarge, which says to take larger blocks.
    std::size_t most_extents = std::size_t{1} << 20;
};

inline constexpr base::Bytes largest_block{copy_piece};

// Compares every byte but those that are holes in both, and those that varvefs knows to be shared. What lies behind the end of one counts as zeros, so that its end, too, is where it was.
// Busy when one of the states was replaced meanwhile.
[[nodiscard]] base::Result<Difference> find_difference(const Mount& mount, const StateReference& from, const StateReference& to,
                                                       const DifferenceOptions& options, const CopyObserver& observer);

// The same of two open files.
[[nodiscard]] base::Result<Difference> difference_of(int from, int to, const DifferenceOptions& options, const CopyObserver& observer);
// Only what lies in `within` is looked at.
[[nodiscard]] base::Result<Difference> difference_of(int from, int to, const Extents& within, const DifferenceOptions& options,
                                                     const CopyObserver& observer);

}  // namespace varve::mount_client
