// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/activity/running.h"

#include "fs/activity/event_line.h"

namespace varve::activity {

using std::chrono::steady_clock;

void RunningOperations::began(const engine::Operation& operation) {
    const std::lock_guard lock(mutex_);
    running_.emplace(operation.number, Entry{operation, steady_clock::now()});
}

void RunningOperations::ended(const engine::Operation& operation, const engine::Outcome&) {
    const std::lock_guard lock(mutex_);
    running_.erase(operation.number);
}

std::vector<RunningOperations::Entry> RunningOperations::all() const {
    const std::lock_guard lock(mutex_);
    std::vector<Entry> entries;
    entries.reserve(running_.size());
    for (const auto& [number, entry] : running_) entries.push_back(entry);
    return entries;
}

std::string RunningOperations::lines() const {
    std::string text;
    const auto now = steady_clock::now();
    for (const auto& entry : all()) text += running_line(entry.operation, now - entry.begun);
    return text;
}

}  // namespace varve::activity
