// SPDX-License-Identifier: LGPL-2.1-or-later
// An image from outside becomes a volume.
#pragma once

#include "orchestrator/mount_client/copy_image.h"
#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"
#include "orchestrator/mount_client/scratch_file.h"

#include <optional>
#include <string>

namespace varve::mount_client {

// An open image that somebody else owns.
struct OpenImage {
    int fd = -1;
    std::string name;  // in messages: "'disk.raw'", "standard input"
};

struct ImportOptions {
    std::optional<base::Bytes> size = {};  // the image must be this long
    bool any_content = false;              // also what begins as a qcow2 image does
    Mount::Replace replace = Mount::Replace::No;
};

// InvalidArgument or TooLarge unless an image of this size can become a volume, and is what the options want.
[[nodiscard]] base::Result<> check_size(const OpenImage& from, base::Bytes size, const ImportOptions& options);

// A volume's new state that is complete, but has no name until the file is installed.
struct PreparedImage {
    ScratchFile file;
    base::Bytes size;
};

// All of import_image but the last step.
[[nodiscard]] base::Result<PreparedImage> prepare_image(const Mount& mount, const OpenImage& from, const base::VolumeId& to,
                                                        const ImportOptions& options, const CopyObserver& observer);

// Makes the raw image a volume's new state, in one transaction. Holes of files stay holes; of other sources whole 64 KiB of zeros become holes.
// A file is read from its beginning, or, when its position is elsewhere, from there as a stream. Returns the size.
// The VM's directory must exist; with Replace::No the volume must not, with Yes its state becomes a revision.
// InvalidArgument for what is no raw image: empty, no multiple of 512 bytes, of another size than `options` say, qcow2, a terminal, a directory.
[[nodiscard]] base::Result<base::Bytes> import_image(const Mount& mount, const OpenImage& from, const base::VolumeId& to,
                                                     const ImportOptions& options, const CopyObserver& observer);

}  // namespace varve::mount_client
