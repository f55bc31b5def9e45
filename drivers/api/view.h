// SPDX-License-Identifier: LGPL-2.1-or-later
// What a volume is at one moment: immutable values that drivers return and readers share without a lock.
#pragma once

#include "drivers/api/volume_config.h"

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace varve::api {

// Names one state for as long as the process lives. A state keeps its id when it moves: committed -> revision on commit,
// revision -> committed on revert, through every rename. Never reused.
struct StateId {
    std::uint64_t value = 0;
    friend auto operator<=>(StateId, StateId) = default;
};

// Hands out state ids; one for all pools of a process. Thread-safe.
class StateIds {
public:
    [[nodiscard]] StateId next() { return {next_.fetch_add(1, std::memory_order_relaxed)}; }

private:
    std::atomic<std::uint64_t> next_{1};
};

// What tells one backing object from another: device and inode number, or the driver's equivalent.
struct Identity {
    std::uint64_t device = 0;
    std::uint64_t object = 0;
    friend auto operator<=>(const Identity&, const Identity&) = default;
};

struct State {
    StateId id;
    Identity identity;
    base::Bytes size;          // whole sectors
    base::Bytes allocated;     // on disk, sparse-aware, counting shared extents fully
    base::Timestamp modified;  // the state's time
    base::Timestamp changed;   // when the path that shows it last changed state: a synthetic st_ctime, stable over restarts
};

struct Revision {
    base::RevisionId id;
    std::uint64_t number = 0;  // the driver's number of a timed revision (rising, never reused while it exists); 0 for labels
    State state;
    std::optional<base::Timestamp> replaced;  // when an operation of the mount replaced it; absent: a VM's stop did
};

// A volume whose VM runs, or whose last session was neither committed nor discarded.
struct Session {
    enum class Phase {
        Started,  // in this boot, or another program holds the image open for writing
        Dirty,    // left by a crash or by an earlier boot: start continues it, stop commits, discard drops
    };
    Phase phase = Phase::Started;
    base::Bytes size;
    std::optional<State> base;       // the state it started from: snapshot and origin_snapshot
    bool no_snapshot_layer = false;  // revisions_to_keep = -1: the guest writes the committed image itself
};

struct VolumeView {
    VolumeConfig config;
    std::optional<State> committed;   // absent: removed, without a state of its own, or running with no snapshot layer
    std::vector<Revision> revisions;  // oldest state first: by time, then number; no two with the same id
    std::optional<Session> session;

    // These look first where the time says that the revision should be, so that a listing stays linear in what it lists.
    [[nodiscard]] const Revision* find(const base::RevisionId& id) const;
    [[nodiscard]] const Revision* find(const State& state) const;  // by its id; the time is only a hint
    // The revision by its full name "time.number", which holds for every timed revision, listed so or not.
    [[nodiscard]] const Revision* find_number(std::int64_t seconds, std::uint64_t number) const;
    [[nodiscard]] RevisionsToKeep keep(RevisionsToKeep pool_default) const { return config.revisions_to_keep.value_or(pool_default); }
};

struct Ownership {
    uid_t uid = 0;
    gid_t gid = 0;
    mode_t mode = 0755;  // permission bits of the directory
    friend bool operator==(const Ownership&, const Ownership&) = default;
};

struct VmView {
    Ownership ownership;
    base::Timestamp created;  // the directory's times
    std::map<base::VolumeName, std::shared_ptr<const VolumeView>> volumes;
    std::vector<std::string> foreign;  // entries of the VM's directory that are not the driver's: left alone, reported by verify
};

}  // namespace varve::api
