// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/progress.h"

namespace varve::cli {
namespace {

constexpr const char* to_line_start_and_erase = "\r\033[K";

}  // namespace

Progress::~Progress() {
    if (shown_) out_ << to_line_start_and_erase << std::flush;
}

void Progress::show(base::Bytes done, std::optional<base::Bytes> whole, Clock::time_point now) {
    if (!enabled_ || now < next_) return;
    next_ = now + std::chrono::milliseconds(100);
    shown_ = true;
    out_ << to_line_start_and_erase;
    if (whole) {
        const auto percent = whole->count == 0 ? 100.0 : 100.0 * static_cast<double>(done.count) / static_cast<double>(whole->count);
        out_ << static_cast<int>(percent) << "%  " << base::human(done) << " of " << base::human(*whole);
    } else {
        out_ << base::human(done);
    }
    out_ << std::flush;
}

mount_client::CopyObserver observer_of(Progress& progress, const World& world) {
    return {[&](base::Bytes done, std::optional<base::Bytes> whole) { progress.show(done, whole); }, world.interrupted};
}

}  // namespace varve::cli
