// SPDX-License-Identifier: LGPL-2.1-or-later
// varve-lvm-worker: runs LVM's commands for varvefs with LVM's own library, in a process of its own. The library is not thread-safe, changes
// signals and locks memory, and a command may wait for long; here it harms nobody. Ends at the end of its input, never inside a command: a killed
// one may leave a device suspended.
#include "drivers/lvm_thin/worker_protocol.h"

#include <fcntl.h>
#include <lvm2cmd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <string>

namespace {

using namespace varve::lvm_thin;

// LVM's library opens the standard streams anew (reopen_standard_stream in lib/commands/toolcontext.c): these are ours alone. Set by main before
// LVM is started; its log function gets no argument.
int answers = -1;

void say(std::string line) {
    line += '\n';
    for (std::size_t done = 0; done < line.size();) {
        const auto count = ::write(answers, line.data() + done, line.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return;  // varvefs is gone; the end of the input follows
        done += static_cast<std::size_t>(count);
    }
}

// LVM prints reports this way too.
void message(int level, const char* /*file*/, int /*line*/, int /*error*/, const char* text) {
    if (level > worker::print_level) return;
    std::string line(text);
    std::ranges::replace(line, '\n', ' ');
    line.insert(0, std::string(1, worker::message_mark).append(" ").append(std::to_string(level)).append(" "));
    say(std::move(line));
}

// False at the end of the input.
bool receive(int commands, std::string& pending, std::string& line) {
    while (true) {
        if (const auto end = pending.find('\n'); end != std::string::npos) {
            line = pending.substr(0, end);
            pending.erase(0, end + 1);
            return true;
        }
        std::array<char, 4096> buffer{};
        const auto count = ::read(commands, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        pending.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

}  // namespace

int main() {
    (void)::signal(SIGPIPE, SIG_IGN);
    (void)::signal(SIGINT, SIG_IGN);   // for varvefs, which ends our input
    (void)::signal(SIGTERM, SIG_IGN);  // the same
    constexpr int above_the_standard_ones = 3;
    const int commands = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, above_the_standard_ones);
    answers = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, above_the_standard_ones);
    lvm2_log_fn(message);
    void* const lvm = lvm2_init();
    if (commands < 0 || answers < 0 || lvm == nullptr) {
        std::cerr << "varve-lvm-worker: LVM's library does not start\n";
        return 1;
    }
    lvm2_log_level(lvm, LVM2_LOG_PRINT);
    std::string pending;
    for (std::string command; receive(commands, pending, command);) {
        const int status = lvm2_run(lvm, command.c_str());
        say(std::string(1, worker::status_mark).append(" ").append(std::to_string(status)));
    }
    lvm2_exit(lvm);
    return 0;
}
