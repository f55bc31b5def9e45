// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes the status board: what the engine does at once, pools and volumes when somebody has looked at them.
#pragma once

#include "fs/activity/traffic.h"
#include "fs/board/gather.h"
#include "fs/engine/operations.h"
#include "fs/protocol/board.h"

#include <array>
#include <bitset>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace varve::board {

// Thread-safe: the one writer of a board's memory, which outlives it.
class StatusBoard final : public engine::OperationListener {
public:
    explicit StatusBoard(protocol::Board& board) : board_(board) {}

    void began(const engine::Operation& operation) override;
    void ended(const engine::Operation& operation, const engine::Outcome& outcome) override;

    // Shows what was gathered. Writes the slots that have changed.
    void show(const Gathered& gathered, const activity::Traffic& traffic, base::Timestamp now);

    // What is wrong with volumes: their last operation left them degraded. At most a thousand are remembered.
    [[nodiscard]] Troubles troubles() const;

    // Told after each operation, under the board's lock: it only takes note. Nobody is told any more once this returns with an empty one.
    void when_something_ended(std::function<void()> told) {
        const std::lock_guard lock(mutex_);
        told_ = std::move(told);
    }

private:
    struct Count {
        std::string_view verb;  // of the engine's own words, which never go
        protocol::BoardVerb shown;
    };
    void note_trouble(const engine::Operation& operation, const engine::Outcome& outcome);
    void count(const engine::Operation& operation, const engine::Outcome& outcome);
    void show_totals() { board_.totals.write(totals_); }

    protocol::Board& board_;
    mutable std::mutex mutex_;
    std::function<void()> told_;
    std::array<std::uint64_t, protocol::board_operations> numbers_{};  // of the operation in each slot; 0: none
    std::vector<Count> counts_;                                        // those that have slots, in their order
    std::vector<std::string_view> other_verbs_;
    protocol::BoardTotals totals_;
    Troubles troubles_;
    std::mutex gathering_;  // of show(), before mutex_
    std::vector<protocol::BoardPool> pools_{protocol::board_pools};
    std::vector<protocol::BoardVolume> volumes_{protocol::board_volumes};
};

}  // namespace varve::board
