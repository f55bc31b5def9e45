// SPDX-License-Identifier: LGPL-2.1-or-later
// Images of other formats than raw become volumes, and volumes such images; qemu-img does it.
#pragma once

#include "orchestrator/image_formats/format.h"
#include "orchestrator/mount_client/export_image.h"
#include "orchestrator/mount_client/import_image.h"

#include <string>

namespace varve::image_formats {

// As mount_client::import_image, of an image in this format, which is not Raw; never of what the image names besides itself.
// The returned size is that of the disk in it. For processes of one thread.
[[nodiscard]] base::Result<base::Bytes> import_converted(const mount_client::Mount& mount, const mount_client::OpenImage& from,
                                                         Format format, const base::VolumeId& to,
                                                         const mount_client::ImportOptions& options,
                                                         const mount_client::CopyObserver& observer);

// All of it but the last step.
[[nodiscard]] base::Result<mount_client::PreparedImage> prepare_converted(const mount_client::Mount& mount,
                                                                          const mount_client::OpenImage& from, Format format,
                                                                          const base::VolumeId& to,
                                                                          const mount_client::ImportOptions& options,
                                                                          const mount_client::CopyObserver& observer);

enum class Compress { No, Yes };

// As mount_client::export_to_file, but a qcow2 image. Zeros take no room in it.
[[nodiscard]] base::Result<base::Bytes> export_qcow2(const mount_client::Mount& mount, const mount_client::StateReference& from,
                                                     const std::string& path, mount_client::Overwrite overwrite, Compress compress,
                                                     const mount_client::CopyObserver& observer);

// As mount_client::export_to_stream, but a qcow2 image, which is made in a file without a name in `spool_directory` first; NoSpace when it does not fit
// there.
[[nodiscard]] base::Result<base::Bytes> export_qcow2_to_stream(const mount_client::Mount& mount, const mount_client::StateReference& from,
                                                               int fd, const std::string& spool_directory, Compress compress,
                                                               const mount_client::CopyObserver& observer);

}  // namespace varve::image_formats
