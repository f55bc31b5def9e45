// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether an image from outside is what it is said to be, before anything is made of it.
#pragma once

#include "drivers/base/units.h"
#include "orchestrator/image_formats/format.h"
#include "orchestrator/mount_client/import_image.h"

#include <functional>

namespace varve::image_formats {

// The size of the disk in it. InvalidArgument for what is no plain file, no whole image of this format (which is not Raw), or would make a reader
// look at other files, and for qcow2 images that are damaged or cut short; Unsupported without qemu-img.
[[nodiscard]] base::Result<base::Bytes> inspect_image(const mount_client::OpenImage& image, Format format,
                                                      const std::function<bool()>& interrupted);

}  // namespace varve::image_formats
