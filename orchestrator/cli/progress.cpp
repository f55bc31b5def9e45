// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/progress.h"

#include "orchestrator/cli/bar.h"

#include <algorithm>

namespace varve::cli {
namespace {

using base::Bytes;

constexpr const char* to_line_start_and_erase = "\r\033[K";
constexpr std::chrono::milliseconds bar_delay{500};
constexpr std::chrono::milliseconds bar_interval{100};
constexpr std::chrono::seconds line_interval{10};

std::string percentage(Bytes done, Bytes whole) {
    const auto percent = whole.count == 0 ? 100.0 : 100.0 * static_cast<double>(done.count) / static_cast<double>(whole.count);
    return std::to_string(static_cast<int>(std::min(percent, 100.0))) + "%";
}

std::string amount(Bytes done, std::optional<Bytes> whole) {
    return whole ? percentage(done, *whole) + "  " + base::human(done) + " of " + base::human(*whole) : base::human(done);
}

}  // namespace

Progress::Progress(std::ostream& out, ProgressStyle style, Clock::time_point begun)
    : out_(out), style_(style), next_(begun + (style == ProgressStyle::Bar ? Clock::duration(bar_delay) : line_interval)) {}

Progress::~Progress() {
    if (has_bar_) out_ << to_line_start_and_erase << std::flush;
}

void Progress::show(Bytes done, std::optional<Bytes> whole, Clock::time_point now) {
    if (style_ == ProgressStyle::None || now < next_) return;
    if (style_ == ProgressStyle::Lines) {
        next_ = now + line_interval;
        out_ << "varve: " << amount(done, whole) << '\n' << std::flush;
        return;
    }
    next_ = now + bar_interval;
    has_bar_ = true;
    constexpr std::size_t bar_width = 20;
    out_ << to_line_start_and_erase;
    if (whole) out_ << (whole->count == 0 ? bar(1, 1, bar_width) : bar(done.count, whole->count, bar_width)) << " ";
    out_ << amount(done, whole) << std::flush;
}

mount_client::CopyObserver observer_of(Progress& progress, const World& world) {
    return {[&](Bytes done, std::optional<Bytes> whole) { progress.show(done, whole); }, world.interrupted};
}

}  // namespace varve::cli
