// SPDX-License-Identifier: LGPL-2.1-or-later
// The entries of a VM's directory, sorted by what they mean.
#pragma once

#include "drivers/file_reflink/layout.h"
#include "drivers/file_reflink/vm_directory.h"

#include <map>
#include <string>
#include <vector>

namespace varve::file_reflink {

// The names one volume has in the directory; all of them regular files.
struct Names {
    bool committed = false;
    bool dirty = false;
    bool base = false;
    bool precache = false;
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

// Files that the volume's kind has no use for: foreign too.
[[nodiscard]] std::vector<std::string> misfits(const Names& names, const api::Kind& kind);

}  // namespace varve::file_reflink
