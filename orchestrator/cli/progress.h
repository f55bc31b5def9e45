// SPDX-License-Identifier: LGPL-2.1-or-later
// Says how far a copy has come: a bar on a terminal, a line now and then elsewhere.
#pragma once

#include "drivers/base/units.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/cli/world.h"
#include "orchestrator/mount_client/copy_image.h"

#include <chrono>
#include <optional>
#include <ostream>

namespace varve::cli {

// The bar comes after half a second, changes at most ten times a second, and is wiped when this goes. The first line comes after ten seconds, and so do
// the others after the one before; so short work says nothing in a log.
class Progress {
public:
    using Clock = std::chrono::steady_clock;

    Progress(std::ostream& out, ProgressStyle style, Clock::time_point begun = Clock::now());
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();

    // Without a `whole` the end is not known yet.
    void show(base::Bytes done, std::optional<base::Bytes> whole) { show(done, whole, Clock::now()); }
    void show(base::Bytes done, std::optional<base::Bytes> whole, Clock::time_point now);

private:
    std::ostream& out_;
    ProgressStyle style_;
    bool has_bar_ = false;
    Clock::time_point next_;
};

// Shows a copy there, and ends it when an interrupt came. Both must outlive what it gives.
[[nodiscard]] mount_client::CopyObserver observer_of(Progress& progress, const World& world);

}  // namespace varve::cli
