// SPDX-License-Identifier: LGPL-2.1-or-later
// A state's content as an image outside.
#pragma once

#include "orchestrator/mount_client/copy_image.h"
#include "orchestrator/mount_client/local_file.h"
#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

#include <string>

namespace varve::mount_client {

struct ExportOptions {
    Overwrite overwrite = Overwrite::No;
    Zeros zeros = Zeros::Write;  // holes stay holes either way
};

// Both return the image's size.

// Makes a file that appears complete, in one step.
[[nodiscard]] base::Result<base::Bytes> export_to_file(const Mount& mount, const StateReference& from, const std::string& path,
                                                       const ExportOptions& options, const CopyObserver& observer);

// Writes everything, holes as zeros, from the descriptor's position on; InvalidArgument when it is a terminal.
[[nodiscard]] base::Result<base::Bytes> export_to_stream(const Mount& mount, const StateReference& from, int fd,
                                                         const CopyObserver& observer);

// InvalidArgument when it is a terminal.
[[nodiscard]] base::Result<> refuse_terminal(int fd);

// As export_to_stream, of the content of another file, which was made of `from`.
[[nodiscard]] base::Result<base::Bytes> file_to_stream(const Mount& mount, int file, const StateReference& from, int fd,
                                                       const CopyObserver& observer);

}  // namespace varve::mount_client
