// SPDX-License-Identifier: LGPL-2.1-or-later
// What a driver can do, asked before it is asked to do it.
#pragma once

#include "drivers/base/units.h"

#include <string>

namespace varve::api {

enum class Method {
    None,   // not possible
    Clone,  // at once, sharing data
    Copy,   // sparsely, in time that grows with the data
};

struct Capabilities {
    bool revisions = false;
    Method label = Method::None;
    Method clone = Method::None;
    Method transaction = Method::None;
    bool origin_snapshot = false;
    bool no_snapshot_layer = false;            // revisions_to_keep = -1
    bool commit_running = false;               // Commit
    bool ephemeral = false;                    // encrypted volatile volumes
    std::string why_not_ephemeral = {};        // when it could be, and what to do; empty: this driver never can
    base::Bytes size_unit{base::sector_size};  // the devices of sessions have whole units: a state's size, rounded up
    bool read_only = false;     // shows what is stored and never changes it: no sessions, but every whole volume has its device
    bool clone_ranges = false;  // parts of an image too, not only the whole of a state into an empty one
};

}  // namespace varve::api
