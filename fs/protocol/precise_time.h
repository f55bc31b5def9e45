// SPDX-License-Identifier: LGPL-2.1-or-later
// How times stand in the control tree.
#pragma once

#include "drivers/base/timestamp.h"

#include <string>

namespace varve::protocol {

// "2018-01-02T03:04:05.123456789Z"
[[nodiscard]] std::string precise_utc(base::Timestamp time);

}  // namespace varve::protocol
