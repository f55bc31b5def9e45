// SPDX-License-Identifier: LGPL-2.1-or-later
// Leaving the terminal, once the mount is there.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

namespace varve::daemon {

// Forks before any thread exists. The parent never returns: it exits with 0 when the child says that it is ready, and with 1 when the
// child ends before that (which has then printed why). Does not change the working directory.
class Background {
public:
    [[nodiscard]] static base::Result<Background> enter();
    // Lets the parent go, and closes the terminal.
    [[nodiscard]] base::Result<> ready();

private:
    explicit Background(base::UniqueFd parent) : parent_(std::move(parent)) {}
    base::UniqueFd parent_;
};

}  // namespace varve::daemon
