// SPDX-License-Identifier: LGPL-2.1-or-later
// A whole terminal for a page that is shown again and again.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <ostream>
#include <string_view>

#include <termios.h>

namespace varve::cli {

enum class Waited { TimeIsUp, Quit, Now, Gone, Signal };  // Quit and Now: q and the space bar; Gone: the terminal has

// Waits for the time, a key of a terminal at `input` (any negative number: none), or a signal.
[[nodiscard]] Waited wait_for_key(int input, std::chrono::milliseconds time);

// The terminal's other screen, without cursor and echo, until it goes; then the terminal is what it was. Keys that would stop or kill the process
// with the terminal in this state (Ctrl-Z, Ctrl-\) do nothing meanwhile; Ctrl-C is a signal as ever.
class Screen {
public:
    // nullopt when one of the two descriptors is no terminal. `out` writes to `output`.
    [[nodiscard]] static std::optional<Screen> enter(int input, int output, std::ostream& out);
    ~Screen();
    Screen(Screen&& other) noexcept;
    Screen& operator=(Screen&&) = delete;
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    struct Size {
        std::size_t columns;
        std::size_t lines;
    };
    [[nodiscard]] Size size() const;  // now: people change it
    // Printable lines that fit.
    void show(std::string_view page);

private:
    Screen(int input, int output, std::ostream& out, const termios& before) : input_(input), output_(output), out_(&out), before_(before) {}

    int input_;
    int output_;
    std::ostream* out_;  // nullptr: moved from
    termios before_;
};

}  // namespace varve::cli
