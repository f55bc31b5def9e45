// SPDX-License-Identifier: LGPL-2.1-or-later
// What must be there after the power failed and the machine came up again.
#pragma once

#include "tests/guest/power_cut/journal.h"

#include <map>
#include <string>

namespace varve::power_cut {

// Opens the pool twice: what was acknowledged is there and whole, what was pending is wholly there or not at all, nothing else is, and the
// second recovery changes nothing. Then continues and commits what was running. The text says what was found; an error says what is wrong.
[[nodiscard]] base::Result<std::string> check(const std::string& driver, const std::map<std::string, std::string>& parameters,
                                              const Record& record);

}  // namespace varve::power_cut
