// SPDX-License-Identifier: LGPL-2.1-or-later
// Users and groups of the machine, by name or number.
#pragma once

#include "drivers/settings/value.h"

#include <sys/types.h>

namespace varve::settings {

// A name, or the number itself, which needs no account. As chown(1) does, a text of digits that no account is named by counts as the number.
// InvalidArgument for an unknown name and a number out of range; what the user database answered when it cannot be read.
[[nodiscard]] base::Result<uid_t> user(const Value& value);
[[nodiscard]] base::Result<gid_t> group(const Value& value);

// InvalidArgument when the number has no account.
[[nodiscard]] base::Result<gid_t> primary_group(uid_t uid);

}  // namespace varve::settings
