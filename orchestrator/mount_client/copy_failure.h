// SPDX-License-Identifier: LGPL-2.1-or-later
// Why a copy ended early.
#pragma once

#include "drivers/base/result.h"

namespace varve::mount_client {

enum class CopySide { Source, Target };

// Which system call failed on which side, so that its reason can be looked up. Besides what the calls give: EINTR when the observer asked for an
// end, ENODATA when the source became shorter than it was, EFBIG for a source that is longer than it may be.
struct CopyFailure {
    CopySide side;
    const char* operation;
    int number;
};

[[nodiscard]] inline tl::unexpected<CopyFailure> source_failed(const char* operation, int number) {
    return tl::unexpected(CopyFailure{CopySide::Source, operation, number});
}

[[nodiscard]] inline tl::unexpected<CopyFailure> target_failed(const char* operation, int number) {
    return tl::unexpected(CopyFailure{CopySide::Target, operation, number});
}

}  // namespace varve::mount_client
