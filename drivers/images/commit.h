// SPDX-License-Identifier: LGPL-2.1-or-later
// How a new image becomes the committed state, and what happens to the old one.
#pragma once

#include "drivers/api/command.h"
#include "drivers/images/volume_files.h"

#include <optional>
#include <string>

namespace varve::images {

// The name the present committed state gets as a revision: the next number, shown when another state of its second is kept.
struct RevisionPlace {
    base::TimedName id;
    std::uint64_t number;
};
[[nodiscard]] RevisionPlace next_place(const api::VolumeView& view, base::Timestamp modified);

// Links the committed inode under its new name: it is a revision as soon as another inode takes over the committed name. Until then the
// link is nothing, and dropped by the next load. No cloning: the cost is the same whatever the fragmentation.
[[nodiscard]] base::Result<api::Revision> link_as_revision(VolumeFiles& files, const api::VolumeView& view,
                                                           std::optional<base::Timestamp> replaced);

// A complete image under another name, on the way to the committed name.
struct Incoming {
    int file;
    int directory;
    std::string name;
    bool durable = false;  // its data is on disk already: a revision's
};
enum class OldState { KeepAsRevision, Drop };
// Changes `view` along. `replaced` marks the old state for the prune grace. The caller syncs the directory (finish_commit).
[[nodiscard]] base::Result<> replace_committed(VolumeFiles& files, api::VolumeView& view, const Incoming& incoming, OldState old,
                                               std::optional<base::Timestamp> replaced);

// Removes what can go. After a point of no return: what cannot be removed stays in the view and is only logged.
void prune(VolumeFiles& files, api::VolumeView& view, const api::Retention& retention);

[[nodiscard]] base::Result<api::VolumeView> publish(VolumeFiles& files, const api::VolumeView* present, const api::Publish& command,
                                                    const Incoming& image);

}  // namespace varve::images
