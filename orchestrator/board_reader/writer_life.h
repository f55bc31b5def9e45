// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether the process that writes a board still lives.
#pragma once

#include "fs/protocol/board.h"

#include <string_view>

namespace varve::board_reader {

enum class WriterLife {
    Alive,
    Ended,  // it said so itself
    Dead,   // it was killed, or the machine was started anew
};

[[nodiscard]] std::string_view name_of(WriterLife life);  // "alive", "ended", "dead"

// Asked about the machine; the real one reads /proc. Thread-safe.
class Machine {
public:
    Machine() = default;
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    virtual ~Machine() = default;
    // Whether the process that wrote this lives in this boot. One that /proc hides from us (hidepid) is believed to as long as its number is taken.
    [[nodiscard]] virtual bool lives(const protocol::BoardWriter& writer) const = 0;
};

class ThisMachine final : public Machine {
public:
    [[nodiscard]] bool lives(const protocol::BoardWriter& writer) const override;
};

}  // namespace varve::board_reader
