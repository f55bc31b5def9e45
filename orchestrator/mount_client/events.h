// SPDX-License-Identifier: LGPL-2.1-or-later
// What was done, as `.varve/events` tells it.
#pragma once

#include "orchestrator/mount_client/mount.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace varve::mount_client {

struct Event {
    std::string json;       // the line, without its newline
    std::string time;       // when the operation began: RFC 3339, UTC
    std::string operation;  // "start"; empty: events were missed
    std::string subject;    // "pool/vm/volume" or "pool/vm"
    std::string to;         // of renames: the new name
    double seconds = 0;     // how long it took
    bool ok = true;
    std::string message;       // why it failed
    std::uint64_t missed = 0;  // so many were dropped before they could be read
};

// A line of `events`; Corrupt when it is none.
[[nodiscard]] base::Result<Event> parse_event(std::string_view line);

// Reads on as they come. Not thread-safe.
class EventReader {
public:
    enum class From { Oldest, Now };
    [[nodiscard]] static base::Result<EventReader> open(const Mount& mount, From from);

    // Those that have come since the last call; none when there are no new ones.
    [[nodiscard]] base::Result<std::vector<Event>> next();
    // False when nothing came in time. Interrupted: a signal came.
    [[nodiscard]] base::Result<bool> wait(std::chrono::milliseconds longest) const;
    // For a poll(2) of one's own.
    [[nodiscard]] int descriptor() const { return file_.get(); }

private:
    explicit EventReader(base::UniqueFd file) : file_(std::move(file)) {}

    base::UniqueFd file_;
    std::string begun_;  // of a line whose end has not come
};

}  // namespace varve::mount_client
