// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/activity/event_log.h"

#include "fs/activity/event_line.h"

#include <algorithm>

namespace varve::activity {

void EventLog::ended(const engine::Operation& operation, const engine::Outcome& outcome) {
    append(event_line(operation, outcome), operation.begun);
}

void EventLog::append(std::string text, base::Timestamp time) {
    std::map<WaiterId, std::function<void()>> woken;
    {
        const std::lock_guard lock(mutex_);
        const auto size = text.size();
        lines_.push_back({end_, count_, std::move(text)});
        end_ += size;
        ++count_;
        changed_ = std::max(changed_, time);
        while (lines_.size() > 1 && end_ - lines_.front().place > capacity_) lines_.pop_front();
        woken.swap(waiters_);
    }
    for (const auto& [id, wake] : woken) wake();
}

std::uint64_t EventLog::end() const {
    const std::lock_guard lock(mutex_);
    return end_;
}

base::Timestamp EventLog::changed() const {
    const std::lock_guard lock(mutex_);
    return changed_;
}

EventLog::Piece EventLog::read(std::uint64_t place, std::uint64_t line_number, std::size_t most) const {
    const std::lock_guard lock(mutex_);
    Piece piece{{}, place, line_number, 0};
    if (place >= end_) return piece;
    auto line = std::ranges::upper_bound(lines_, place, {}, &Line::place);
    if (line == lines_.begin()) {
        piece.missed = line->number - std::min(line_number, line->number);
        piece.next = line->place;
    } else {
        --line;
    }
    for (; line != lines_.end() && piece.text.size() < most; ++line) {
        const auto from = static_cast<std::size_t>(piece.next - line->place);
        const auto part = std::string_view(line->text).substr(from, most - piece.text.size());
        piece.text += part;
        piece.next += part.size();
        piece.next_line = line->number + (from + part.size() == line->text.size() ? 1 : 0);
    }
    return piece;
}

EventLog::WaiterId EventLog::when_beyond(std::uint64_t place, std::function<void()> wake) {
    {
        const std::lock_guard lock(mutex_);
        if (end_ <= place) {
            waiters_.emplace(++last_waiter_, std::move(wake));
            return last_waiter_;
        }
    }
    wake();
    return 0;
}

void EventLog::forget(WaiterId waiter) {
    const std::lock_guard lock(mutex_);
    waiters_.erase(waiter);
}

void EventLog::forget_all() {
    const std::lock_guard lock(mutex_);
    waiters_.clear();
}

}  // namespace varve::activity
