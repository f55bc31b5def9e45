// SPDX-License-Identifier: LGPL-2.1-or-later
// What Varve knows of a pool, kept as tags of the thin pool's LV: VMs, volumes, and which LV is which state. The tags are the truth, and one LVM
// command changes several of them together; the names of LVs follow them. docs/on-disk-formats.md has the grammar.
#pragma once

#include "drivers/api/view.h"
#include "drivers/lvm_thin/lv.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace varve::lvm_thin {

// Random, never used again: VMs and volumes keep theirs when they are renamed.
struct RecordId {
    std::string text;
    friend auto operator<=>(const RecordId&, const RecordId&) = default;
};

struct VmRecord {
    base::VmName name;
    api::Ownership ownership;
    base::Timestamp created;
    friend bool operator==(const VmRecord&, const VmRecord&) = default;
};

struct VolumeRecord {
    RecordId vm;
    base::VolumeName name;
    api::VolumeConfig config;             // a source has the name that it had when this was written
    std::optional<RecordId> source = {};  // the source volume, when there was one: it is followed through renames
    friend bool operator==(const VolumeRecord&, const VolumeRecord&) = default;
};

// A VM that writes the committed LV itself (revisions_to_keep = -1).
struct LayerlessSession {
    std::string boot;
    base::Bytes size_at_start;
    std::uint64_t writes_at_start = 0;
    friend bool operator==(const LayerlessSession&, const LayerlessSession&) = default;
};

struct StateRecord {
    RecordId volume;
    base::Timestamp modified;
    base::Timestamp changed;
    base::Bytes size;                               // of the state; its LV is as large or larger, and zero beyond
    std::optional<base::RevisionId> revision = {};  // absent: the committed state
    std::uint64_t number = 0;                       // of a timed revision
    std::optional<base::Timestamp> replaced = {};
    std::optional<LayerlessSession> layerless = {};
    friend bool operator==(const StateRecord&, const StateRecord&) = default;
};

struct Records {
    std::map<RecordId, VmRecord> vms;
    std::map<RecordId, VolumeRecord> volumes;
    std::map<LvUuid, StateRecord> states;
    std::set<LvUuid> garbage;  // LVs that are to be removed when nobody needs them any more

    [[nodiscard]] std::optional<RecordId> find(const base::VmName& vm) const;
    [[nodiscard]] std::optional<RecordId> find(const base::VolumePath& volume) const;
    [[nodiscard]] base::VolumePath path(const RecordId& volume) const;
    [[nodiscard]] std::optional<LvUuid> committed(const RecordId& volume) const;  // also one that runs without a layer
    friend bool operator==(const Records&, const Records&) = default;
};

// Says that a thin pool is Varve's; without it nothing is swept.
inline constexpr const char* pool_tag = "varve:1";
// On every LV that Varve has made.
inline constexpr const char* lv_tag = "varve";

struct TagChanges {
    std::vector<std::string> remove;
    std::vector<std::string> add;
    [[nodiscard]] bool empty() const { return remove.empty() && add.empty(); }
};
// In groups of at most `most` tags, one whenever they fit. What replaces a tag is in its group, and nothing refers to what comes later or is gone
// earlier: a crash between two groups leaves records that parse.
[[nodiscard]] std::vector<TagChanges> changes(const Records& before, const Records& after, std::size_t most);

// Corrupt names the tag that is none of ours but looks so, or contradicts another. Other people's tags are skipped.
[[nodiscard]] base::Result<Records> parse_records(const std::vector<std::string>& tags);

// A session's LV says itself whose it is, so that a start is one command.
struct SessionRecord {
    RecordId volume;
    std::string boot;
    base::Bytes size_at_start;
    base::Timestamp started;
    // The state it started from, for the kinds that have a source.
    struct Base {
        LvUuid lv;
        base::Timestamp modified;
        base::Bytes size;
        friend bool operator==(const Base&, const Base&) = default;
    };
    std::optional<Base> base = {};
    friend bool operator==(const SessionRecord&, const SessionRecord&) = default;
};
[[nodiscard]] std::string session_tag(const SessionRecord& session);
// nullopt when none of the tags is one.
[[nodiscard]] base::Result<std::optional<SessionRecord>> parse_session(const std::vector<std::string>& tags);

}  // namespace varve::lvm_thin
