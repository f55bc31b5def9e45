// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "drivers/base/units.h"

#include <string>

namespace varve::file {

// A committed state: what the image was when its COW file was new. Both are open for reading and writing, and stay the caller's.
struct StateFiles {
    std::string volume;  // "fedora/root", for messages
    int image = -1;
    int cow = -1;
    base::Bytes size;  // of the state: whole sectors. The image may have grown since
};

// A COW file that stands on a state: of a snapshot session, or what was the state's own before the last commit.
struct CowOver {
    std::string volume;
    int cow = -1;
    base::Bytes size;  // of what is seen through it: not more than that of the state below
    int grown = -1;    // a file that a guest's device goes on with behind that; or none
};

}  // namespace varve::file
