// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/lvm_worker.h"

#include "drivers/base/argument_vector.h"
#include "drivers/lvm_thin/worker_protocol.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string_view>

namespace varve::lvm_thin {

using base::Errc;
using base::fail;
using base::Result;

namespace {

// What LVM's own splitting of a line into words leaves as it is (lvm_split in tools/lvmcmdline.c).
bool is_plain(std::string_view word) {
    return !word.empty() &&
           std::ranges::all_of(word, [](unsigned char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\'; });
}

// The environment with a fixed locale; LVM shall not complain of descriptors that are none of its business.
std::vector<std::string> environment() {
    std::vector<std::string> values{"LC_ALL=C", "LVM_SUPPRESS_FD_WARNINGS=1"};
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        if (!text.starts_with("LC_") && !text.starts_with("LANG")) values.emplace_back(text);
    }
    return values;
}

}  // namespace

LvmWorker::LvmWorker(std::filesystem::path program, std::chrono::milliseconds deadline)
    : program_(std::move(program)), deadline_(deadline) {}

LvmWorker::~LvmWorker() { stop(false); }

Result<> LvmWorker::start() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return base::fail_errno(errno, "cannot talk to LVM");
    base::UniqueFd ours(ends[0]);
    const base::UniqueFd theirs(ends[1]);
    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
    // A session of its own: what is typed at varvefs's terminal is not for it.
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    auto name = program_.string();
    std::array<char*, 2> arguments{name.data(), nullptr};
    auto values = environment();
    const int error = ::posix_spawn(&process_, name.c_str(), &actions, &attributes, arguments.data(), base::argument_vector(values).data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        process_ = -1;
        return base::fail_errno(error, "cannot run " + name);
    }
    input_ = base::UniqueFd(::fcntl(ours.get(), F_DUPFD_CLOEXEC, 0));
    output_ = std::move(ours);
    received_.clear();
    if (!input_.valid()) return base::fail_errno(errno, "cannot talk to LVM");
    return {};
}

// The end of its input ends it, after the command that it is at.
void LvmWorker::stop(bool kill) {
    if (process_ < 0) return;
    if (kill) (void)::kill(process_, SIGKILL);  // fails only when it has ended
    if (output_.valid()) (void)::shutdown(output_.get(), SHUT_WR);
    input_.reset();
    output_.reset();
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {}
    process_ = -1;
}

Result<> LvmWorker::send(const std::string& line) {
    for (std::size_t done = 0; done < line.size();) {
        const auto count = ::send(input_.get(), line.data() + done, line.size() - done, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return base::fail_errno(errno, "cannot give LVM a command");
        done += static_cast<std::size_t>(count);
    }
    return {};
}

Result<std::string> LvmWorker::receive_line(std::chrono::steady_clock::time_point deadline) {
    while (true) {
        if (const auto end = received_.find('\n'); end != std::string::npos) {
            auto line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        if (left <= 0) return fail(Errc::TimedOut, "LVM did not finish within " + std::to_string(deadline_.count() / 1000) + " s");
        pollfd watched{output_.get(), POLLIN, 0};
        if (::poll(&watched, 1, static_cast<int>(left) + 1) <= 0) continue;
        std::array<char, 65536> buffer{};
        const auto count = ::read(output_.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return fail(Errc::Io, "the program that runs LVM's commands, " + program_.string() + ", has died");
        received_.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

Result<LvmAnswer> LvmWorker::run(const std::vector<std::string>& words) {
    std::string line;
    for (const auto& word : words) {
        if (!is_plain(word)) return fail(Errc::InvalidArgument, "'" + word + "' cannot be part of an LVM command");
        line.append(line.empty() ? "" : " ").append(word);
    }
    line += '\n';
    const std::lock_guard lock(mutex_);
    if (process_ < 0) TRY(start());
    if (const auto sent = send(line); !sent) {  // it has died since the last command, and has not seen this one
        stop(true);
        TRY(start());
        TRY(send(line));
    }
    LvmAnswer answer;
    const auto deadline = std::chrono::steady_clock::now() + deadline_;
    while (true) {
        auto received = receive_line(deadline);
        if (!received) {
            stop(true);
            return base::Failure(std::move(received).error());
        }
        const std::string_view text(*received);
        constexpr std::size_t begin = 2;
        if (text.size() < begin) continue;
        int number = 0;
        const auto [rest, error] = std::from_chars(text.data() + begin, text.data() + text.size(), number);
        if (error != std::errc()) continue;
        if (text.front() == worker::status_mark) {
            answer.succeeded = number == worker::succeeded;
            return answer;
        }
        std::string message(rest, text.data() + text.size());
        if (!message.empty()) message.erase(0, 1);
        if (number <= worker::error_level)
            answer.errors.push_back(std::move(message));
        else
            answer.printed.append(message).append("\n");
    }
}

}  // namespace varve::lvm_thin
