// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/ephemeral/availability.h"

namespace varve::ephemeral {

std::string Availability::why_not() const {
    constexpr std::int64_t patience_seconds = 5;
    const auto now = clock_.now();
    const std::lock_guard lock(mutex_);
    const auto since = asked_ ? now.seconds - asked_->seconds : patience_seconds;
    const bool fresh = since >= 0 && since < patience_seconds;
    if (asked_ && (answer_.empty() || fresh)) return answer_;
    answer_ = ask();
    asked_ = now;
    return answer_;
}

std::string Availability::ask() const {
    const auto there = mapper_.has_target("crypt");
    if (!there) return there.error().message();
    return *there ? "" : "the kernel has no dm-crypt: modprobe dm-crypt";
}

}  // namespace varve::ephemeral
