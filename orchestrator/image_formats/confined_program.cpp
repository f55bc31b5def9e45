// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/confined_program.h"

#include "drivers/base/argument_vector.h"
#include "drivers/base/pipe.h"
#include "orchestrator/image_formats/call_filter.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace varve::image_formats {
namespace {

using base::EmptyPipe;
using base::Errc;
using base::fail;
using base::fail_errno;
using base::Pipe;
using base::Result;
using base::UniqueFd;
using Clock = std::chrono::steady_clock;

constexpr std::size_t first_handed = 3;
constexpr rlim_t descriptor_limit = 64;
constexpr std::size_t kept_limit = std::size_t{1} << 20;

Result<std::filesystem::path> find_program(const std::string& name) {
    const char* variable = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): one thread
    std::istringstream directories(variable == nullptr ? "/usr/bin:/bin" : variable);
    for (std::string directory; std::getline(directories, directory, ':');) {
        auto path = std::filesystem::path(directory) / name;
        if (path.is_absolute() && ::access(path.c_str(), X_OK) == 0) return path;
    }
    return fail(Errc::NotFound, name + " is not installed");
}

// All that the child needs, made before the fork: between it and exec only async-signal-safe calls are allowed.
struct Prepared {
    std::vector<UniqueFd> descriptors = {};  // the program's, from 0 on; above where they go
    UniqueFd failed = {};                    // where the child says why it could not begin
    UniqueFd ruleset = {};                   // invalid: the kernel cannot confine it
    CallFilter filter = {};
    rlim_t memory = RLIM_INFINITY;
    rlim_t processor = RLIM_INFINITY;
    pid_t parent = 0;
};

// Above all places that descriptors go to.
Result<UniqueFd> moved_up(int fd) {
    UniqueFd moved(::fcntl(fd, F_DUPFD_CLOEXEC, static_cast<int>(descriptor_limit)));
    if (!moved.valid()) return fail_errno(errno, "cannot hand over a file");
    return moved;
}

int limit(__rlimit_resource resource, rlim_t value) {
    const rlimit bound{value, value};
    return ::setrlimit(resource, &bound) == 0 ? 0 : errno;
}

int give_descriptors(const Prepared& prepared) {
    int place = 0;
    for (const auto& descriptor : prepared.descriptors)
        if (::dup2(descriptor.get(), place++) < 0) return errno;
    return 0;
}

// Not by exec: whoever closes a file of the mount waits for varvefs, which may look at the process, and that waits for the end of exec.
int close_others(const Prepared& prepared) {
    const auto place = static_cast<int>(prepared.descriptors.size());
    if (::dup3(prepared.failed.get(), place, O_CLOEXEC) < 0) return errno;
    return ::syscall(SYS_close_range, place + 1, ~0U, 0) == 0 ? 0 : errno;
}

// Root's program gets what the bounding set has when it begins. It needs to open what it is handed, whoever owns that; all else a process without
// privileges does not have either, and its ioctls on what it is handed (FIFREEZE) need more.
int drop_capabilities() {
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
        if (capability != CAP_DAC_OVERRIDE && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
            return errno == EPERM ? 0 : errno;  // no privileges, so nothing to drop
    return 0;
}

// In a process group of its own, which a terminal's interrupt does not reach: the parent ends it.
int begin_child(const Prepared& prepared) {
    if (::setpgid(0, 0) != 0 || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
    if (::getppid() != prepared.parent) return ESRCH;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) (void)::signal(signal, SIG_DFL);  // cannot fail for these
    if (const int problem = give_descriptors(prepared); problem != 0) return problem;
    for (const auto& [resource, value] : {std::pair{RLIMIT_AS, prepared.memory}, std::pair{RLIMIT_CPU, prepared.processor},
                                          std::pair{RLIMIT_NOFILE, descriptor_limit}, std::pair{RLIMIT_CORE, rlim_t{0}}})
        if (const int problem = limit(resource, value); problem != 0) return problem;
    if (const int problem = drop_capabilities(); problem != 0) return problem;
    if (const int problem = bind_to(prepared.ruleset.get()); problem != 0) return problem;
    if (const int problem = bind_to(prepared.filter); problem != 0) return problem;
    return close_others(prepared);
}

Result<Prepared> prepare(const ConfinedProgram& program, const std::filesystem::path& path, const Pipe& output, const Pipe& errors,
                         const Pipe& failed) {
    Prepared prepared;
    const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing.valid()) return fail_errno(errno, "cannot open /dev/null");
    std::vector<int> wanted{nothing.get(), output.write.get(), errors.write.get()};
    for (const auto& file : program.files) wanted.push_back(file.fd);
    for (const int fd : wanted) prepared.descriptors.push_back(TRY(moved_up(fd)));
    prepared.failed = TRY(moved_up(failed.write.get()));
    const auto ruleset = TRY(only_these_files(program.files, path));
    if (ruleset.valid()) prepared.ruleset = TRY(moved_up(ruleset.get()));
    prepared.filter = TRY(make_call_filter());
    prepared.memory = program.memory_limit;
    if (program.processor_limit) prepared.processor = static_cast<rlim_t>(program.processor_limit->count());
    prepared.parent = ::getpid();
    return prepared;
}

// The child's number, or why it could not begin.
Result<pid_t> begin(const ConfinedProgram& program, const Pipe& output, const Pipe& errors) {
    const auto path = TRY(find_program(program.arguments.front()));
    auto failed = TRY(base::make_pipe(EmptyPipe::Waits));
    auto prepared = TRY(prepare(program, path, output, errors, failed));
    auto arguments = program.arguments;
    std::vector<std::string> environment{"LC_ALL=C", "PATH=/usr/bin:/bin"};
    const auto argument_pointers = base::argument_vector(arguments);
    const auto environment_pointers = base::argument_vector(environment);
    const pid_t child = ::fork();
    if (child < 0) return fail_errno(errno, "cannot start " + program.arguments.front());
    if (child == 0) {
        int problem = begin_child(prepared);
        const auto failure = problem == 0 ? static_cast<int>(prepared.descriptors.size()) : prepared.failed.get();
        if (problem == 0) {
            (void)::execve(path.c_str(), argument_pointers.data(), environment_pointers.data());  // comes back only when it failed
            problem = errno;
        }
        (void)::write(failure, &problem, sizeof problem);  // nobody else could be told
        ::_exit(127);
    }
    prepared.failed.reset();
    failed.write.reset();
    int problem = 0;
    // Waits for exec, which closes it, or for the errno.
    if (::read(failed.read.get(), &problem, sizeof problem) == sizeof problem) {
        while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
        return fail_errno(problem, "cannot start " + program.arguments.front());
    }
    return child;
}

// Takes what is there; false at the end. No more than a turn's share: who writes without end must not hide an interrupt.
bool drain(int pipe, std::string& kept, const std::function<void(std::string_view)>& heard) {
    constexpr int share = 16;
    std::array<char, 4096> buffer{};
    for (int turn = 0; turn < share; ++turn) {
        const auto count = ::read(pipe, buffer.data(), buffer.size());
        if (count == 0) return false;
        if (count < 0) return errno == EAGAIN || errno == EINTR;
        const std::string_view said(buffer.data(), static_cast<std::size_t>(count));
        kept.append(said.substr(0, std::min(said.size(), kept_limit - kept.size())));
        if (heard) heard(said);
    }
    return true;
}

// Until it ends, or is to be ended.
void watch(const ConfinedProgram& program, int process, pid_t child, const Pipe& output, const Pipe& errors, ConfinedEnd& end) {
    constexpr int slice_milliseconds = 200;
    const auto begun = Clock::now();
    std::array<pollfd, 3> watched{{{process, POLLIN, 0}, {output.read.get(), POLLIN, 0}, {errors.read.get(), POLLIN, 0}}};
    bool ended = false;
    while (!ended) {
        end.interrupted = end.interrupted || (program.interrupted && program.interrupted());
        end.timed_out = end.timed_out || (program.deadline && Clock::now() - begun >= *program.deadline);
        if (end.interrupted || end.timed_out) (void)::kill(-child, SIGKILL);  // fails only when it has ended already
        for (auto& each : watched) each.revents = 0;
        (void)::poll(watched.data(), watched.size(), slice_milliseconds);  // a failure is a turn without news
        ended = (watched[0].revents & POLLIN) != 0;
        if (watched[1].revents != 0 && !drain(output.read.get(), end.output, program.heard)) watched[1].fd = -1;
        if (watched[2].revents != 0 && !drain(errors.read.get(), end.errors, {})) watched[2].fd = -1;
    }
    (void)drain(output.read.get(), end.output, program.heard);
    (void)drain(errors.read.get(), end.errors, {});
}

}  // namespace

std::string handed_path(std::size_t index) { return "/proc/self/fd/" + std::to_string(first_handed + index); }

Result<ConfinedEnd> run_confined(const ConfinedProgram& program) {
    auto output = TRY(base::make_pipe(EmptyPipe::Fails));
    auto errors = TRY(base::make_pipe(EmptyPipe::Fails));
    const pid_t child = TRY(begin(program, output, errors));
    output.write.reset();
    errors.write.reset();
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    const int unwatchable = process.valid() ? 0 : errno;
    ConfinedEnd end;
    if (process.valid())
        watch(program, process.get(), child, output, errors, end);
    else
        (void)::kill(-child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (!process.valid()) return fail_errno(unwatchable, "cannot watch " + program.arguments.front());
    if (WIFEXITED(status)) end.exit_status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
    return end;
}

}  // namespace varve::image_formats
