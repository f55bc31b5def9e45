// SPDX-License-Identifier: LGPL-2.1-or-later
// What a user decides about a volume; kept in the pool, one record per VM.
#pragma once

#include "drivers/api/schedule.h"
#include "drivers/base/names.h"
#include "drivers/base/revision_name.h"
#include "drivers/base/timestamp.h"
#include "drivers/base/units.h"

#include <optional>
#include <string_view>
#include <variant>

namespace varve::api {

// The volume a snapshot starts from, in the same pool; `fixed` pins it to one revision.
struct Source {
    base::VolumePath volume;
    std::optional<base::RevisionId> fixed;
    friend bool operator==(const Source&, const Source&) = default;
};

// The four kinds (snap_on_start x save_on_stop); only those with a source carry one.
struct Volatile {
    friend bool operator==(const Volatile&, const Volatile&) = default;
};
struct Snapshot {
    Source source;
    friend bool operator==(const Snapshot&, const Snapshot&) = default;
};
struct Origin {
    friend bool operator==(const Origin&, const Origin&) = default;
};
struct OriginSnapshot {
    Source source;
    friend bool operator==(const OriginSnapshot&, const OriginSnapshot&) = default;
};
using Kind = std::variant<Volatile, Snapshot, Origin, OriginSnapshot>;

// "volatile", "snapshot", "origin", "origin_snapshot".
[[nodiscard]] std::string_view kind_name(const Kind& kind);
// The source of the kinds that have one, else nullptr.
[[nodiscard]] const Source* source_of(const Kind& kind);
// Whether stop commits (save_on_stop).
[[nodiscard]] bool saves_on_stop(const Kind& kind);

// How many unpinned revisions a volume keeps; `none_at_all` means no snapshot layer: the guest writes the committed image.
class RevisionsToKeep {
public:
    // InvalidArgument below -1.
    [[nodiscard]] static base::Result<RevisionsToKeep> from(long long count);
    [[nodiscard]] static constexpr RevisionsToKeep standard() { return RevisionsToKeep(1); }

    [[nodiscard]] bool no_snapshot_layer() const { return count_ < 0; }
    [[nodiscard]] std::size_t limit() const { return count_ < 0 ? 0 : static_cast<std::size_t>(count_); }
    [[nodiscard]] long long count() const { return count_; }
    friend bool operator==(RevisionsToKeep, RevisionsToKeep) = default;

private:
    constexpr explicit RevisionsToKeep(long long count) : count_(count) {}
    long long count_;
};

struct VolumeConfig {
    Kind kind = Origin{};
    base::Bytes size{};                                // of a volatile volume; the others have their state's size
    std::optional<RevisionsToKeep> revisions_to_keep;  // absent: the pool's
    std::optional<Schedule> schedule{};                // absent: the pool's
    bool rw = true;
    bool ephemeral = false;     // volatile only: encrypted with a key that never touches disk
    base::Timestamp created{};  // the st_mtime of paths that have no state: volatile files, symbolic links

    friend bool operator==(const VolumeConfig&, const VolumeConfig&) = default;
};

}  // namespace varve::api
