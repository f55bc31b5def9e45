// SPDX-License-Identifier: LGPL-2.1-or-later
// A property that must hold for every input: a fuzz target stops where it does not.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace varve::fuzz {

inline void require(bool holds, const char* property) {
    if (holds) return;
    (void)std::fprintf(stderr, "this does not hold: %s\n", property);
    std::abort();
}

}  // namespace varve::fuzz
