// SPDX-License-Identifier: LGPL-2.1-or-later
// Short words for the tests of xenstore.
#pragma once

#include "orchestrator/xenstore/path.h"

#include <chrono>
#include <string>

namespace varve::xenstore {

using std::chrono::milliseconds;

inline constexpr milliseconds long_enough{10'000};

inline Path path(const std::string& text) { return *Path::parse(text); }

}  // namespace varve::xenstore
