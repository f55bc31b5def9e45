// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel says about running targets (STATUSTYPE_INFO). Formats: Documentation/admin-guide/device-mapper/snapshot.rst and
// thin-provisioning.rst, and where those are silent the kernel's drivers/md/dm-snap.c, dm-snap-persistent.c and dm-thin.c (Linux 6.1).
// Each parser takes the words after the target's type, and is Corrupt, with the text quoted, for anything else.
#pragma once

#include "drivers/base/units.h"
#include "drivers/kernel/dm_targets.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace varve::kernel {

// ---- snapshot, and snapshot-merge: "<allocated>/<total> <metadata>" in sectors, or a word
struct SnapshotUsage {
    base::SectorCount allocated;  // of the COW device, metadata included
    base::SectorCount total;      // the COW device
    base::SectorCount metadata;   // header and exception areas
    friend bool operator==(const SnapshotUsage&, const SnapshotUsage&) = default;

    // Whether any chunk differs from the origin. (A new store has allocated exactly its metadata, persistent_usage in dm-snap-persistent.c.)
    [[nodiscard]] bool has_exceptions() const { return allocated > metadata; }
    [[nodiscard]] bool full() const { return allocated >= total; }
};
enum class SnapshotFault {
    Invalid,      // the COW device was full or failed, or its header is bad: nothing can be read from the snapshot any more
    MergeFailed,  // the origin may be half merged
    Overflow,     // full, with the PO store
    Unknown,      // the store does not say
};
using SnapshotStatus = std::variant<SnapshotUsage, SnapshotFault>;
[[nodiscard]] base::Result<SnapshotStatus> parse_snapshot_status(std::string_view text);

// ---- thin-pool
struct BlockUse {
    std::uint64_t used = 0;
    std::uint64_t total = 0;
    friend bool operator==(const BlockUse&, const BlockUse&) = default;
    // 0 to 100; 100 for a pool without blocks.
    [[nodiscard]] base::Percent percent() const;
};
enum class ThinPoolMode { ReadWrite, ReadOnly, OutOfDataSpace };
enum class Discards { Ignored, NotPassedDown, PassedDown };
struct ThinPoolUsage {
    std::uint64_t transaction_id = 0;
    BlockUse metadata;  // blocks of 4 KiB
    BlockUse data;      // blocks of the pool's size
    std::optional<std::uint64_t> held_root;
    ThinPoolMode mode = ThinPoolMode::ReadWrite;
    Discards discards = Discards::PassedDown;
    bool error_if_no_space = false;
    bool needs_check = false;                              // thin_check must look at it before it can be written again
    std::optional<std::uint64_t> metadata_low_water = {};  // Linux 4.19
    friend bool operator==(const ThinPoolUsage&, const ThinPoolUsage&) = default;
};
struct ThinPoolFailed {  // "Fail": every I/O fails; "Error": it could not even be asked
    friend bool operator==(const ThinPoolFailed&, const ThinPoolFailed&) = default;
};
using ThinPoolStatus = std::variant<ThinPoolUsage, ThinPoolFailed>;
[[nodiscard]] base::Result<ThinPoolStatus> parse_thin_pool_status(std::string_view text);

// ---- thin
struct ThinUsage {
    base::SectorCount mapped;
    std::optional<std::uint64_t> highest_mapped_sector;  // nothing while nothing is mapped
    friend bool operator==(const ThinUsage&, const ThinUsage&) = default;
};
struct ThinFailed {  // "Fail", "Error", or "-" when it has no pool
    friend bool operator==(const ThinFailed&, const ThinFailed&) = default;
};
using ThinStatus = std::variant<ThinUsage, ThinFailed>;
[[nodiscard]] base::Result<ThinStatus> parse_thin_status(std::string_view text);

}  // namespace varve::kernel
