// SPDX-License-Identifier: LGPL-2.1-or-later
// What has to be done so that a pool's records say what a qubes.xml does. Pure.
#pragma once

#include "orchestrator/qubes_xml/adoptable.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace varve::adoption {

// A volume as the mount shows it.
struct PresentVolume {
    std::string kind;    // of protocol::kind
    std::string source;  // "../fedora/root.img"; empty for kinds without one
    std::string state;   // of protocol::state
    std::uint64_t size = 0;
    std::int64_t revisions_to_keep = 0;
    bool own_revisions_to_keep = false;  // else the pool's
    bool rw = true;
    bool ephemeral = false;
};

struct PoolContents {
    std::set<base::VmName> vms;
    std::map<base::VolumePath, PresentVolume> volumes;
};

// A control file of the volume, and what is to be in it; the size's is grown to that.
struct Change {
    std::string_view file;
    std::string value;
};

enum class Action {
    None,      // it is so already
    Create,    // the volume has no image while it is halted, so that only a record tells of it
    Change,    // the record of a volume that is there
    Skip,      // there is nothing to record it for
    Conflict,  // the pool has something else in its place, which is left alone
};

[[nodiscard]] std::string_view name_of(Action action);

struct Step {
    qubes_xml::Volume wanted;
    Action action = Action::None;
    std::vector<Change> changes{};  // of Change
    bool makes_vm = false;          // of Create: the VM has no place in the pool yet
    std::string note{};             // why, or what else is to be known; may be empty
};

// One step for each volume, in their order. Nothing that is there is ever removed: of VMs that were not shut down Qubes leaves images of volumes that
// keep nothing, and without a record they cannot be told from origins.
[[nodiscard]] std::vector<Step> plan(const std::vector<qubes_xml::Volume>& wanted, const PoolContents& contents);

// As a volume of the same pool names it for its source: "../fedora/root.img".
[[nodiscard]] std::string link_to(const base::VolumePath& source);

}  // namespace varve::adoption
