// SPDX-License-Identifier: LGPL-2.1-or-later
// A domain's disk while it is read: nobody shall write to it, and when somebody has that is seen.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "drivers/base/units.h"
#include "orchestrator/domain_adoption/plan.h"

#include <sys/stat.h>

#include <functional>
#include <string>

namespace varve::domain_adoption {

// A disk's image, open and looked at. As long as it is there no QEMU that honours locks begins to write to the image.
struct OpenDisk {
    base::UniqueFd file;
    std::string name;  // in messages
    base::Bytes size;  // of the disk in it
    std::filesystem::path source;
    struct stat at_opening;  // before anything was read
};

// With the rights of the caller. What is neither a file nor a block device is not even opened: that alone does something to some devices. NotFound, Denied;
// Busy: somebody writes to it; InvalidArgument for what is neither a file nor a block device, no image of its format, or one that names other files.
// For processes of one thread.
[[nodiscard]] base::Result<OpenDisk> open_disk(const DiskCopy& disk, const std::function<bool()>& interrupted);

// Busy when the file is another one by now, or has been written to since it was opened, as far as its size and times tell. Of a block device they tell
// nothing: it is never changed.
[[nodiscard]] base::Result<> check_unchanged(const OpenDisk& disk);

}  // namespace varve::domain_adoption
