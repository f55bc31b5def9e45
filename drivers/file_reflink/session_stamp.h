// SPDX-License-Identifier: LGPL-2.1-or-later
// How a stop knows that nothing was written: the modification time that a session's image begins with.
#pragma once

#include "drivers/base/timestamp.h"

namespace varve::file_reflink {

// An hour before the time of the state it starts from. Not that time itself: file systems stamp writes with a clock of some milliseconds'
// resolution, so that a write just after a commit could carry the same time and be taken for none.
[[nodiscard]] constexpr base::Timestamp session_stamp(base::Timestamp state_modified) {
    return {state_modified.seconds - 3600, state_modified.nanoseconds};
}

}  // namespace varve::file_reflink
