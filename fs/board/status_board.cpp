// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/board/status_board.h"

#include <algorithm>

namespace varve::board {
namespace {

constexpr std::size_t most_troubles = 1000;

std::string subject_of(const engine::Operation& operation) {
    auto subject = operation.pool.str();
    subject.append("/").append(operation.vm.str());
    if (operation.volume) subject.append("/").append(operation.volume->str());
    return subject;
}

// Writes what differs from what is shown.
template <class Value, std::size_t N>
void show_slots(const std::vector<Value>& wanted, std::vector<Value>& shown, std::array<protocol::BoardSlot<Value>, N>& slots) {
    for (std::size_t i = 0; i < N; ++i) {
        const auto next = i < wanted.size() ? wanted[i] : Value{};
        if (next == shown[i]) continue;
        shown[i] = next;
        slots.at(i).write(next);
    }
}

}  // namespace

void StatusBoard::began(const engine::Operation& operation) {
    protocol::BoardOperation shown;
    shown.number = operation.number;
    shown.begun_seconds = operation.begun.seconds;
    shown.begun_nanoseconds = operation.begun.nanoseconds;
    shown.verb = operation.verb;
    shown.subject = subject_of(operation);
    if (operation.to) shown.to = *operation.to;
    const std::lock_guard lock(mutex_);
    ++totals_.running;
    show_totals();
    auto* const slot = std::ranges::find(numbers_, 0U);
    if (slot == numbers_.end()) return;  // it is counted, and the reader says how many it does not see
    *slot = operation.number;
    board_.operations.at(static_cast<std::size_t>(slot - numbers_.begin())).write(shown);
}

void StatusBoard::ended(const engine::Operation& operation, const engine::Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    if (auto* const slot = std::ranges::find(numbers_, operation.number); slot != numbers_.end()) {
        *slot = 0;
        board_.operations.at(static_cast<std::size_t>(slot - numbers_.begin())).write({});
    }
    note_trouble(operation, outcome);
    count(operation, outcome);
    if (told_) told_();
}

void StatusBoard::note_trouble(const engine::Operation& operation, const engine::Outcome& outcome) {
    const bool degraded = outcome.error != nullptr && outcome.error->code == base::Errc::Degraded;
    if (degraded && troubles_.size() < most_troubles)
        troubles_[subject_of(operation)] = outcome.error->message();
    else if (!troubles_.empty() && outcome.error == nullptr)
        troubles_.erase(subject_of(operation));
}

void StatusBoard::count(const engine::Operation& operation, const engine::Outcome& outcome) {
    const bool done = outcome.error == nullptr;
    --totals_.running;
    ++(done ? totals_.done : totals_.failed);
    auto known = std::ranges::find(counts_, operation.verb, &Count::verb);
    if (known == counts_.end() && counts_.size() < protocol::board_verbs) {
        counts_.push_back({operation.verb, {operation.verb, 0, 0, 0}});
        known = counts_.end() - 1;
    }
    if (known != counts_.end()) {
        ++(done ? known->shown.done : known->shown.failed);
        known->shown.nanoseconds += static_cast<std::uint64_t>(std::max<std::int64_t>(outcome.took.count(), 0));
        board_.verbs.at(static_cast<std::size_t>(known - counts_.begin())).write(known->shown);
    } else if (std::ranges::find(other_verbs_, operation.verb) == other_verbs_.end()) {
        other_verbs_.push_back(operation.verb);
    }
    totals_.verbs = counts_.size() + other_verbs_.size();
    show_totals();
}

void StatusBoard::show(const Gathered& gathered, const activity::Traffic& traffic, base::Timestamp now) {
    const std::lock_guard lock(gathering_);
    const auto before = board_.gathering.load(std::memory_order_relaxed);
    board_.gathering.store(before | 1, std::memory_order_relaxed);
    board_.gathered.write(
        {now.seconds, now.nanoseconds, gathered.all_pools, gathered.all_volumes, traffic.read().count, traffic.written().count});
    show_slots(gathered.pools, pools_, board_.pools);
    show_slots(gathered.volumes, volumes_, board_.volumes);
    board_.gathering.store((before | 1) + 1, std::memory_order_release);
}

Troubles StatusBoard::troubles() const {
    const std::lock_guard lock(mutex_);
    return troubles_;
}

}  // namespace varve::board
