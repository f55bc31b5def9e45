// SPDX-License-Identifier: LGPL-2.1-or-later
// Which call of a fake goes wrong, and how.
#pragma once

#include "drivers/base/result.h"

#include <cstddef>
#include <mutex>
#include <optional>

namespace varve::fakes {

enum class Effect { Reads, Changes, Removes, TakesSpace, SyncsFile, SyncsDirectory };

// Calls are numbered from 1 since the last call of count, die_at, fail_at or fail_from. Thread-safe.
class Faults {
public:
    enum class Moment { Before, After };  // the call's effect
    enum class Calls { All, Changing };   // which calls are numbered

    void count(Calls counted = Calls::All);
    [[nodiscard]] std::size_t calls() const;

    // The power fails at that call: it and all later ones return errors and have no effect, as if the process were gone. This is not an
    // exception because destructors make calls too, and one thrown there would end the test.
    void die_at(std::size_t call, Moment moment, Calls counted = Calls::All);
    [[nodiscard]] bool dead() const;

    // That call fails with this errno and has no effect; the others work.
    void fail_at(std::size_t call, int error);
    // The same for every call from that one on that takes space: a disk that is full.
    void fail_from(std::size_t call, int error);
    // What the call that was made to fail first would have done; nothing when none was.
    [[nodiscard]] std::optional<Effect> failed() const;

    // For the fake: around each call's effect.
    [[nodiscard]] base::Result<> enter(Effect effect);
    [[nodiscard]] base::Result<> leave();

private:
    enum class Plan { None, DieBefore, DieAfter, Fail, FailFrom };
    void plan(Plan plan, std::size_t call, int error, Calls counted);

    mutable std::mutex mutex_;  // over everything below
    Plan plan_ = Plan::None;
    std::size_t planned_call_ = 0;
    int error_ = 0;
    Calls counted_ = Calls::All;
    std::size_t calls_ = 0;
    bool dead_ = false;
    std::optional<Effect> failed_;
};

}  // namespace varve::fakes
