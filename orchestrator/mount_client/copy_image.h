// SPDX-License-Identifier: LGPL-2.1-or-later
// Copying an image's content from one open file to another.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/units.h"

#include <functional>

namespace varve::mount_client {

// What the copier tells and asks between two pieces.
struct CopyObserver {
    std::function<void(base::Bytes done, base::Bytes whole)> progress;
    std::function<bool()> interrupted;
};

enum class CopyMethod {
    Clone,   // copy_file_range: shared blocks inside one pool; falls back to Sparse where that cannot be done
    Sparse,  // data only, holes stay holes
};

// Which system call failed, so that its reason can be looked up.
struct CopyFailure {
    const char* operation;
    int number;
};

// Makes `to`, which is empty, a copy of `from` as long as it was at the beginning. Interrupted when the observer says so or a signal comes in between.
[[nodiscard]] tl::expected<void, CopyFailure> copy_image(int from, int to, CopyMethod method, const CopyObserver& observer);

}  // namespace varve::mount_client
