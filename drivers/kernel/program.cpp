// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/program.h"

#include "drivers/base/argument_vector.h"
#include "drivers/base/pipe.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>
#include <map>

namespace varve::kernel {
namespace {

using base::EmptyPipe;
using base::Pipe;
using base::Result;
using base::UniqueFd;

// A file, not a pipe: the program may ignore it without blocking anybody.
Result<UniqueFd> make_input(const Program& program) {
    const auto& text = program.input;
    if (text.empty() && !program.inherits) {
        UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        if (!nothing.valid()) return base::fail_errno(errno, "cannot open /dev/null");
        return nothing;
    }
    UniqueFd file(::memfd_create("stdin", MFD_CLOEXEC));
    if (!file.valid()) return base::fail_errno(errno, "cannot make a file in memory");
    for (std::size_t done = 0; done < text.size();) {
        const auto count = ::write(file.get(), text.data() + done, text.size() - done);
        if (count < 0) return base::fail_errno(errno, "cannot fill the standard input");
        done += static_cast<std::size_t>(count);
    }
    (void)::lseek(file.get(), 0, SEEK_SET);  // cannot fail on a memfd
    return file;
}

std::vector<std::string> make_environment(const Program& program) {
    std::map<std::string, std::string> values;
    for (char** entry = environ; program.inherits && *entry != nullptr; ++entry) {
        const std::string text(*entry);
        const auto equals = text.find('=');
        if (equals != std::string::npos) values[text.substr(0, equals)] = text.substr(equals + 1);
    }
    values["LC_ALL"] = "C";
    for (const auto& [name, value] : program.environment) values[name] = value;
    std::vector<std::string> environment;
    environment.reserve(values.size());
    for (const auto& [name, value] : values) environment.emplace_back(name).append("=").append(value);
    return environment;
}

class SpawnSettings {
public:
    SpawnSettings() {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
    }
    ~SpawnSettings() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
};

// In a process group of its own, so that the deadline reaches its children too; with default signals, whatever ours are.
Result<pid_t> spawn(const Program& program, int input, int output, int errors) {
    SpawnSettings settings;
    ::posix_spawn_file_actions_adddup2(&settings.actions, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&settings.actions, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&settings.actions, errors, STDERR_FILENO);
    if (!program.inherits) ::posix_spawn_file_actions_addclosefrom_np(&settings.actions, STDERR_FILENO + 1);
    if (program.directory) ::posix_spawn_file_actions_addchdir_np(&settings.actions, program.directory->c_str());
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&settings.attributes, &signals);
    ::sigaddset(&signals, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&settings.attributes, &signals);
    ::posix_spawnattr_setpgroup(&settings.attributes, 0);
    ::posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    auto arguments = program.arguments;
    auto environment = make_environment(program);
    pid_t child = 0;
    const int error = ::posix_spawnp(&child, arguments.front().c_str(), &settings.actions, &settings.attributes,
                                     base::argument_vector(arguments).data(), base::argument_vector(environment).data());
    if (error != 0) return base::fail_errno(error, "cannot run " + arguments.front());
    return child;
}

// What a program said on one of its outputs.
class Output {
public:
    Output(int pipe, std::string& text, std::size_t limit) : pipe_(pipe), text_(text), limit_(limit) {}

    // Takes what is there; false at the end of the file. No more than a turn's share: who writes without end must not hide the deadline.
    bool drain() {
        constexpr int share = 16;
        std::array<char, 65536> buffer{};
        for (int turn = 0; turn < share; ++turn) {
            const auto count = ::read(pipe_, buffer.data(), buffer.size());
            if (count > 0) {
                text_.append(buffer.data(), static_cast<std::size_t>(count));
                if (text_.size() > limit_) text_.erase(0, text_.size() - limit_);
            } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
                return false;
            } else if (errno == EAGAIN) {
                return true;
            }
        }
        return true;
    }

private:
    int pipe_;
    std::string& text_;
    std::size_t limit_;
};

// Ends a process group: first with SIGTERM when it has some grace.
class Deadline {
public:
    using clock = std::chrono::steady_clock;

    Deadline(pid_t group, const Program& program) : group_(group), grace_(program.grace), next_(clock::now() + program.deadline) {}

    // Whether it has passed, and the signals that are due are sent.
    bool passed() {
        while (!killed_ && clock::now() >= next_) {
            killed_ = warned_ || grace_.count() == 0;
            (void)::kill(-group_, killed_ ? SIGKILL : SIGTERM);  // fails only when all of it has ended, which poll tells
            warned_ = true;
            next_ += grace_;
        }
        return warned_;
    }
    // Milliseconds until something is to be done. After SIGKILL the end comes by itself; the time then only keeps the loop from spinning.
    [[nodiscard]] int left() const {
        constexpr int unhurried = 100;
        if (killed_) return unhurried;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next_ - clock::now()).count() + 1;
        return static_cast<int>(std::clamp<decltype(left)>(left, 0, std::numeric_limits<int>::max()));
    }

private:
    pid_t group_;
    std::chrono::milliseconds grace_;
    clock::time_point next_;
    bool warned_ = false;
    bool killed_ = false;
};

void wait_for_end(pid_t child, int process, const Program& program, Pipe& output, Pipe& errors, Finished& finished) {
    Deadline deadline(child, program);
    std::array<Output, 2> outputs{Output(output.read.get(), finished.output, program.output_limit),
                                  Output(errors.read.get(), finished.errors, program.output_limit)};
    std::array<pollfd, 3> watched{{{process, POLLIN, 0}, {output.read.get(), POLLIN, 0}, {errors.read.get(), POLLIN, 0}}};
    while ((watched[0].revents & POLLIN) == 0) {
        finished.timed_out = deadline.passed();
        (void)::poll(watched.data(), watched.size(), deadline.left());
        for (std::size_t i = 0; i < outputs.size(); ++i)
            if (watched[i + 1].revents != 0 && !outputs[i].drain()) watched[i + 1].fd = -1;
    }
    for (auto& each : outputs) (void)each.drain();
    // Its children may have ignored SIGTERM. The number is still theirs: the program has not been waited for.
    if (finished.timed_out) (void)::kill(-child, SIGKILL);
}

}  // namespace

std::string Finished::describe() const {
    std::string text = timed_out     ? "ended at its deadline"
                       : signal != 0 ? "ended by signal " + std::to_string(signal)
                                     : "exit status " + std::to_string(exit_status);
    if (!output.empty()) text += "\nstdout: " + output;
    if (!errors.empty()) text += "\nstderr: " + errors;
    return text;
}

Result<Finished> run_program(const Program& program) {
    if (program.arguments.empty()) return base::fail(base::Errc::InvalidArgument, "no program was given");
    auto output = TRY(base::make_pipe(EmptyPipe::Fails));
    auto errors = TRY(base::make_pipe(EmptyPipe::Fails));
    const auto input = TRY(make_input(program));
    const auto child = TRY(spawn(program, input.get(), output.write.get(), errors.write.get()));
    output.write.reset();
    errors.write.reset();
    Finished finished;
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    if (process.valid()) {
        wait_for_end(child, process.get(), program, output, errors, finished);
    } else {
        (void)::kill(-child, SIGKILL);  // unwatchable: its deadline could not be kept
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (!process.valid()) return base::fail(base::Errc::Io, "cannot watch " + program.arguments.front());
    if (WIFEXITED(status)) finished.exit_status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) finished.signal = WTERMSIG(status);
    return finished;
}

Result<Finished> run_program(std::vector<std::string> arguments) {
    Program program;
    program.arguments = std::move(arguments);
    return run_program(program);
}

}  // namespace varve::kernel
