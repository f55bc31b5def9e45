// SPDX-License-Identifier: LGPL-2.1-or-later
// What is on the storage, read from the tree.
#pragma once

#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::mount_client {

struct Revision {
    std::string name;         // time or label, not checked
    std::uint64_t size = 0;   // bytes
    std::uint64_t usage = 0;  // bytes
    std::string modified;     // RFC 3339 with nanoseconds, UTC
    bool pinned = false;
    std::vector<std::string> kept{};  // why it is kept ("newest", "day", "label"...); without a reason the next prune removes it
    bool goes_when_short = false;     // nothing but the schedule keeps it, and the pool has prune_below
};

struct Volume {
    base::VolumeId id;
    std::string kind;
    std::string state;
    std::string source;       // empty for kinds without one
    std::uint64_t size = 0;   // bytes
    std::uint64_t usage = 0;  // bytes, all states together
    bool outdated = false;
    std::vector<Revision> revisions;  // oldest first
    std::size_t revision_count = 0;
};

// What takes longer to find out or is rarely wanted.
struct VolumeDetails {
    Volume volume;
    std::uint64_t exclusive = 0;  // bytes
    bool rw = false;
    bool ephemeral = false;
    std::int64_t revisions_to_keep = 0;
    std::string schedule;               // "none", or such as "24h 7d"
    std::string device;                 // empty while not started
    std::vector<std::string> blockers;  // one sentence each
};

struct Pool {
    base::PoolName name;
    std::string driver;
    std::string config;       // one JSON object
    std::uint64_t size = 0;   // bytes
    std::uint64_t usage = 0;  // bytes
    std::string included_in;  // the pool on one of whose volumes it lies; empty when there is none
    std::int64_t revisions_to_keep = 0;
    std::string schedule;     // "none", or such as "24h 7d"
    std::string prune_below;  // such as "10%", a number of bytes, or "none"
};

// What its record and its state say, and nothing that has to be looked for.
struct VolumeConfiguration {
    base::VolumeId volume;
    std::string kind;
    std::string source;  // empty for kinds without one
    std::string state;
    std::uint64_t size = 0;  // bytes
    std::int64_t revisions_to_keep = 0;
    bool own_revisions_to_keep = false;  // else the pool's
    bool rw = false;
    bool ephemeral = false;
    bool own_schedule = false;  // else the pool's
};

// What of a volume's past is kept, and why.
struct VolumeRetention {
    base::VolumeId volume;
    std::int64_t revisions_to_keep = 0;
    std::string schedule;
    std::string prune_below;          // the pool's, as there
    std::vector<Revision> revisions;  // oldest first
};

// Bytes of a volume's states, and what each holds alone.
struct VolumeUsage {
    struct State {
        std::string state;     // "committed", "revision" or "base"
        std::string revision;  // its name; empty for the others
        std::uint64_t exclusive = 0;
    };
    base::VolumeId volume;
    std::uint64_t size = 0;
    std::uint64_t usage = 0;  // all states together, shared or not
    std::vector<State> states;
    std::vector<Revision> revisions;  // oldest first

    [[nodiscard]] const Revision* find(std::string_view revision) const;  // nullptr when there is none
    [[nodiscard]] std::uint64_t exclusive() const;
    // What the next prune would free at the least: revisions that share something free that with the last of them.
    [[nodiscard]] std::uint64_t prunable() const;
};

// Each in the order of its name. Entries with names that are not of their kind are left out. VMs and volumes that vanish meanwhile are none.
[[nodiscard]] base::Result<std::vector<base::PoolName>> pools(const Mount& mount);
[[nodiscard]] base::Result<std::vector<base::VmName>> vms(const Mount& mount, const base::PoolName& pool);
[[nodiscard]] base::Result<std::vector<base::VolumeName>> volumes(const Mount& mount, const VmReference& vm);

// The volumes of everything, of a pool or of a VM; or that one. What vanishes meanwhile is left out, but not what was named.
[[nodiscard]] base::Result<std::vector<base::VolumeId>> volumes_below(const Mount& mount, const std::optional<Reference>& reference);

// NotFound when there is none; Corrupt for values that are not in the form of docs/control-tree.md.
[[nodiscard]] base::Result<Pool> read_pool(const Mount& mount, const base::PoolName& pool);
[[nodiscard]] base::Result<Volume> read_volume(const Mount& mount, const base::VolumeId& volume);
// When the state was written that a running snapshot started from, in the form of Revision::modified; nothing for others.
[[nodiscard]] base::Result<std::optional<std::string>> read_base_time(const Mount& mount, const base::VolumeId& volume);
[[nodiscard]] base::Result<VolumeDetails> read_details(const Mount& mount, const base::VolumeId& volume);
[[nodiscard]] base::Result<VolumeConfiguration> read_configuration(const Mount& mount, const base::VolumeId& volume);
[[nodiscard]] base::Result<VolumeRetention> read_retention(const Mount& mount, const base::VolumeId& volume);
// As it would be with these settings (mount_client::setting); changes nothing. What configure() would refuse is refused.
[[nodiscard]] base::Result<VolumeRetention> foretell_retention(const Mount& mount, const base::VolumeId& volume,
                                                               std::vector<std::string> settings);
[[nodiscard]] base::Result<VolumeUsage> read_usage(const Mount& mount, const base::VolumeId& volume);

}  // namespace varve::mount_client
