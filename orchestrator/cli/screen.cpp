// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace varve::cli {
namespace {

// ECMA-48 and xterm's private modes 1049 (other screen) and 25 (cursor).
constexpr const char* to_other_screen = "\033[?1049h\033[?25l";
constexpr const char* to_usual_screen = "\033[?25h\033[?1049l";
constexpr const char* to_top = "\033[H";
constexpr const char* erase_rest_of_line = "\033[K";
constexpr const char* erase_rest_of_screen = "\033[J";

}  // namespace

Waited wait_for_key(int input, std::chrono::milliseconds time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd waited{input, POLLIN, 0};
        const int ready = ::poll(&waited, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready < 0) return errno == EINTR ? Waited::Signal : Waited::Gone;
        if (ready == 0) return Waited::TimeIsUp;
        char key = 0;
        const auto count = ::read(input, &key, 1);
        if (count < 0 && errno == EINTR) return Waited::Signal;
        if (count <= 0) return Waited::Gone;
        if (key == 'q' || key == 'Q' || key == '\x03') return Waited::Quit;
        if (key == ' ') return Waited::Now;
    }
}

std::optional<Screen> Screen::enter(int input, int output, std::ostream& out) {
    termios settings{};
    if (::tcgetattr(input, &settings) != 0 || ::isatty(output) != 1) return std::nullopt;
    const auto before = settings;
    settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    for (const auto key : {VSUSP, VQUIT}) settings.c_cc[key] = _POSIX_VDISABLE;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    if (::tcsetattr(input, TCSANOW, &settings) != 0) return std::nullopt;
    out << to_other_screen << std::flush;
    return Screen(input, output, out, before);
}

Screen::Screen(Screen&& other) noexcept
    : input_(other.input_), output_(other.output_), out_(std::exchange(other.out_, nullptr)), before_(other.before_) {}

Screen::~Screen() {
    if (out_ == nullptr) return;
    *out_ << to_usual_screen << std::flush;
    (void)::tcsetattr(input_, TCSANOW, &before_);  // fails when the terminal has gone: nobody is left to tell
}

Screen::Size Screen::size() const {
    winsize size{};
    if (::ioctl(output_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {80, 24};
    return {size.ws_col, size.ws_row};
}

void Screen::show(std::string_view page) {
    *out_ << to_top;
    while (!page.empty()) {
        const auto end = std::min(page.find('\n'), page.size());
        *out_ << page.substr(0, end) << erase_rest_of_line;
        page.remove_prefix(std::min(end + 1, page.size()));
        if (!page.empty()) *out_ << "\r\n";  // none behind the last: the screen would scroll
    }
    *out_ << erase_rest_of_screen << std::flush;
}

}  // namespace varve::cli
