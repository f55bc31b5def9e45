// SPDX-License-Identifier: LGPL-2.1-or-later
// The one place where errors become errnos.
#pragma once

#include "drivers/base/error.h"

#include <string_view>

namespace varve::control {

// The errno that a system call fails with, always positive. An Io error passes its cause on when that is an errno that a file system may return.
[[nodiscard]] int errno_of(const base::Error& error);

// "EBUSY"; "EIO" for numbers that have no name.
[[nodiscard]] std::string_view errno_name(int number);

}  // namespace varve::control
