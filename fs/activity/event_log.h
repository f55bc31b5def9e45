// SPDX-License-Identifier: LGPL-2.1-or-later
// `.varve/events`: a line for each operation that ended, in a text that grows. Its last part is kept.
#pragma once

#include "fs/engine/operations.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace varve::activity {

// Thread-safe. Places are bytes since the start of the process.
class EventLog final : public engine::OperationListener {
public:
    static constexpr std::size_t standard_capacity = 4 << 20;

    explicit EventLog(std::size_t capacity = standard_capacity) : capacity_(capacity) {}

    void began(const engine::Operation&) override {}
    void ended(const engine::Operation& operation, const engine::Outcome& outcome) override;

    [[nodiscard]] std::uint64_t end() const;
    [[nodiscard]] base::Timestamp changed() const;  // when the last line came

    struct Piece {
        std::string text;
        std::uint64_t next = 0;       // the place behind it
        std::uint64_t next_line = 0;  // how many lines had come before that place
        std::uint64_t missed = 0;     // lines that were dropped before they were read; the text then begins with a whole line
    };
    // What is at that place, up to `most` bytes; nothing at the end. Whoever was too slow goes on with the oldest line there is, and hears how many
    // it has missed since the line it read last (`next_line` of that piece; 0 at the beginning).
    [[nodiscard]] Piece read(std::uint64_t place, std::uint64_t line, std::size_t most) const;

    // Calls `wake` once, as soon as there is something behind `place`; at once when there is already. Not under the log's lock.
    using WaiterId = std::uint64_t;
    WaiterId when_beyond(std::uint64_t place, std::function<void()> wake);
    void forget(WaiterId waiter);
    void forget_all();

private:
    struct Line {
        std::uint64_t place;
        std::uint64_t number;  // lines before it
        std::string text;
    };
    void append(std::string text, base::Timestamp time);

    const std::size_t capacity_;
    mutable std::mutex mutex_;
    std::deque<Line> lines_;
    std::uint64_t end_ = 0;
    std::uint64_t count_ = 0;  // lines ever
    base::Timestamp changed_;
    std::map<WaiterId, std::function<void()>> waiters_;
    WaiterId last_waiter_ = 0;
};

}  // namespace varve::activity
