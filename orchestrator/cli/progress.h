// SPDX-License-Identifier: LGPL-2.1-or-later
// A line on a terminal that says how far a copy has come.
#pragma once

#include "drivers/base/units.h"
#include "orchestrator/cli/world.h"
#include "orchestrator/mount_client/copy_image.h"

#include <chrono>
#include <optional>
#include <ostream>

namespace varve::cli {

// Shows nothing in the first half second and then at most ten lines a second; wipes its line when it goes.
class Progress {
public:
    using Clock = std::chrono::steady_clock;

    Progress(std::ostream& out, bool enabled) : out_(out), enabled_(enabled), next_(Clock::now() + std::chrono::milliseconds(500)) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();

    // Without a `whole` the end is not known yet.
    void show(base::Bytes done, std::optional<base::Bytes> whole) { show(done, whole, Clock::now()); }
    void show(base::Bytes done, std::optional<base::Bytes> whole, Clock::time_point now);

private:
    std::ostream& out_;
    bool enabled_;
    bool shown_ = false;
    Clock::time_point next_;
};

// Shows a copy there, and ends it when an interrupt came. Both must outlive what it gives.
[[nodiscard]] mount_client::CopyObserver observer_of(Progress& progress, const World& world);

}  // namespace varve::cli
