// SPDX-License-Identifier: LGPL-2.1-or-later
// What `varve` exits with; documented in varve(1).
#pragma once

#include "drivers/base/error.h"

namespace varve::cli {

enum class ExitCode {
    Ok = 0,
    Failed = 1,
    Usage = 2,
    NoMount = 3,
    NotFound = 4,
    Busy = 5,
    Interrupted = 130,
};

[[nodiscard]] constexpr ExitCode exit_code_for(base::Errc code) {
    switch (code) {
        case base::Errc::NotFound: return ExitCode::NotFound;
        case base::Errc::Busy: return ExitCode::Busy;
        case base::Errc::Interrupted: return ExitCode::Interrupted;
        default: return ExitCode::Failed;
    }
}

}  // namespace varve::cli
