// SPDX-License-Identifier: LGPL-2.1-or-later
// The two partitions of a volatile volume, for a guest that stacks the changes to its read-only root itself: the older layout of Qubes'
// TemplateImplementation. contrib/guest has the guest's side.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/units.h"

namespace varve::guest_layout {

struct Partition {
    base::Bytes start;
    base::Bytes size;
    friend bool operator==(const Partition&, const Partition&) = default;
};

// A DOS partition table; both on whole MiB.
struct Layout {
    Partition changes;  // number 1, type 83 (Linux): where the snapshot of the root keeps what differs
    Partition swap;     // number 2, type 82 (Linux swap): the end of the volume
    friend bool operator==(const Layout&, const Layout&) = default;
};

// What the layout of a volume of that size is. `swap` is rounded up to whole MiB. InvalidArgument when it is nothing or leaves less than
// 1 MiB for the changes; TooLarge beyond what such a table can tell (2 TiB of 512-byte sectors).
[[nodiscard]] base::Result<Layout> plan(base::Bytes volume, base::Bytes swap);

// Makes the open block device or image (for reading and writing) have exactly this layout, durably. Success and nothing written when it has.
// Exists when there is another partition table or a file system, InvalidArgument when it is neither a block device nor a regular file.
// The guest must not run yet. A crash in the middle leaves a volume without a table, or with this one.
[[nodiscard]] base::Result<Layout> ensure_layout(int volume, base::Bytes swap);

}  // namespace varve::guest_layout
