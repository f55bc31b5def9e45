// SPDX-License-Identifier: LGPL-2.1-or-later
// Copying an image's content.
#pragma once

#include "drivers/base/units.h"
#include "orchestrator/mount_client/copy_failure.h"
#include "orchestrator/mount_client/image_source.h"
#include "orchestrator/mount_client/image_target.h"

#include <functional>
#include <optional>

namespace varve::mount_client {

// What the copier tells and asks between two pieces. Either may be empty.
struct CopyObserver {
    std::function<void(base::Bytes done, std::optional<base::Bytes> whole)> progress;
    std::function<bool()> interrupted;
};

// Copies everything; its size. EINTR when the observer says so or a signal comes in between.
[[nodiscard]] tl::expected<base::Bytes, CopyFailure> copy_image(ImageSource& from, ImageTarget& to, const CopyObserver& observer);

enum class CopyMethod {
    Clone,   // copy_file_range: shared blocks inside one pool; falls back to Sparse where that cannot be done
    Sparse,  // data only, holes stay holes
    Share,   // what cannot be shared stays a hole
};

// Makes the file `to`, which is empty, a copy of the file `from` as long as that was at the beginning.
[[nodiscard]] tl::expected<base::Bytes, CopyFailure> copy_file(int from, int to, CopyMethod method, const CopyObserver& observer);

}  // namespace varve::mount_client
