// SPDX-License-Identifier: LGPL-2.1-or-later
// What a volume is at one moment: immutable values that drivers return and readers share without a lock.
#pragma once

#include "drivers/api/revisions.h"
#include "drivers/api/volume_config.h"

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace varve::api {

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
    std::optional<State> committed;  // absent: removed, without a state of its own, or running with no snapshot layer
    Revisions revisions;             // no two with the same id
    std::optional<Session> session;
    bool plain_file = false;    // no disk, but a file beside them, of any size: shown under the volume's bare name
    std::string degraded = {};  // why what should be there is not; empty: it is

    [[nodiscard]] RevisionsToKeep keep(RevisionsToKeep pool_default) const { return config.revisions_to_keep.value_or(pool_default); }
    [[nodiscard]] Schedule schedule(const Schedule& pool_default) const { return config.schedule.value_or(pool_default); }
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
