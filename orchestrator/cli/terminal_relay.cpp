// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/terminal_relay.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

namespace varve::cli {
namespace {

using base::fail_errno;
using base::Result;

constexpr char leave = '\x1d';  // Ctrl-]

// Passes every key on, until it is gone.
class RawTerminal {
public:
    explicit RawTerminal(int terminal) : terminal_(terminal) {
        termios settings{};
        if (::tcgetattr(terminal, &settings) != 0) return;  // no terminal
        before_ = settings;
        ::cfmakeraw(&settings);
        (void)::tcsetattr(terminal, TCSANOW, &settings);  // keys then come line by line, which still works
    }
    ~RawTerminal() {
        if (before_) (void)::tcsetattr(terminal_, TCSANOW, &*before_);  // nobody is left to tell
    }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

private:
    int terminal_;
    std::optional<termios> before_;
};

Result<> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "cannot write to the console");
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

// False when it is over.
Result<bool> copy(int from, int to, bool keys) {
    std::array<char, 4096> buffer{};
    const auto count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return true;
    if (count < 0 && errno == EIO) return false;  // the other side of a pseudo-terminal has gone
    if (count < 0) return fail_errno(errno, "cannot read from the console");
    std::string_view text(buffer.data(), static_cast<std::size_t>(count));
    const auto end = keys ? text.find(leave) : std::string_view::npos;
    TRY(write_all(to, text.substr(0, end)));
    return count > 0 && end == std::string_view::npos;
}

}  // namespace

Result<> relay_terminal(int console, int input, int output) {
    const RawTerminal raw(input);
    for (;;) {
        std::array<pollfd, 2> waiting{{{input, POLLIN, 0}, {console, POLLIN, 0}}};
        // Without a deadline: it is the user's to end.
        if (::poll(waiting.data(), waiting.size(), -1) < 0) {
            if (errno == EINTR) continue;
            return fail_errno(errno, "cannot wait for the console");
        }
        if (waiting[1].revents != 0 && !TRY(copy(console, output, false))) return {};
        if (waiting[0].revents != 0 && !TRY(copy(input, console, true))) return {};
    }
}

}  // namespace varve::cli
