// SPDX-License-Identifier: LGPL-2.1-or-later
// The entries of a VM's directory, sorted by what they mean.
#pragma once

#include "drivers/images/layout.h"
#include "drivers/images/vm_directory.h"

#include <map>
#include <string>
#include <vector>

namespace varve::images {

// The names one volume has in the directory; all of them regular files.
struct Names {
    bool committed = false;
    bool dirty = false;
    bool base = false;
    bool precache = false;
    bool cow = false;
    bool old_cow = false;
    bool base_cow = false;
    bool session = false;
    bool grown = false;
    std::vector<TimedFile> timed;
    std::vector<PinFile> pins;
    std::vector<Entry> all;
};

struct Listing {
    std::map<base::VolumeName, Names> volumes;
    std::vector<std::string> temporaries;
    std::vector<std::string> foreign;  // whatever is no regular file too: never followed, never touched
};

[[nodiscard]] base::Result<Listing> list_entries(const Context& pool, const VmDirectory& vm);

// What the record says about the volume; without a record every volume is an origin.
[[nodiscard]] api::VolumeConfig config_of(const records::VmRecord& record, const base::VolumeName& volume);

// Files that the driver has no use for in a volume of that kind: foreign too.
[[nodiscard]] std::vector<std::string> misfits(const Context& pool, const Names& names, const api::Kind& kind);

}  // namespace varve::images
