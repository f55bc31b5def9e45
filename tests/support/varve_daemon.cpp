// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/varve_daemon.h"

#include "tests/support/posix.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

namespace varve::test_support {

VarveDaemon::VarveDaemon(DaemonSettings settings) : settings_(std::move(settings)), mountpoint_(settings_.work_directory / "mnt") {
    std::filesystem::create_directories(mountpoint_);
    std::filesystem::create_directories(settings_.work_directory / "state");
    for (const auto& pool : settings_.pools) std::filesystem::create_directories(pool.directory);
    write_config();
}

VarveDaemon::~VarveDaemon() {
    if (pid_ > 0) (void)terminate();
    (void)::umount2(mountpoint_.c_str(), MNT_DETACH);  // EINVAL: not mounted any more, as it should be
}

void VarveDaemon::write_config() const {
    std::ofstream config(settings_.work_directory / "varve.toml");
    config << "mountpoint = \"" << mountpoint_.string() << "\"\n"
           << "state_dir = \"" << (settings_.work_directory / "state").string() << "\"\n"
           << "runtime_dir = \"" << runtime_directory().string() << "\"\n"
           << "min_free = \"0%\"\n"
           << "prune_grace = \"" << settings_.prune_grace << "\"\n"
           << "passthrough = " << (settings_.passthrough ? "true" : "false") << "\n";
    for (const auto& pool : settings_.pools)
        config << "\n[[pool]]\nname = \"" << pool.name << "\"\ndriver = \"" << pool.driver << "\"\ndir_path = \"" << pool.directory.string()
               << "\"\nrevisions_to_keep = " << pool.revisions_to_keep << "\n"
               << (pool.driver == "file-reflink" ? "setup_check = true\n" : "");
}

void VarveDaemon::spawn() {
    const auto config = (settings_.work_directory / "varve.toml").string();
    const auto log = (settings_.work_directory / "varvefs.log").string();
    pid_ = ::fork();
    if (pid_ != 0) return;
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // no daemon outlives its test; cannot fail with a legal signal
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (output < 0 || ::dup2(output, STDOUT_FILENO) < 0 || ::dup2(output, STDERR_FILENO) < 0) ::_exit(126);
    (void)::close_range(3, ~0U, 0);
    ::execl(VARVEFS_BINARY, VARVEFS_BINARY, "--config", config.c_str(), "--foreground", mountpoint_.c_str(), nullptr);
    ::_exit(127);
}

bool VarveDaemon::mounted() const {
    std::ifstream table("/proc/self/mountinfo");
    for (std::string line; std::getline(table, line);)
        if (line.find(" " + mountpoint_.string() + " ") != std::string::npos && line.find(" fuse.varve ") != std::string::npos) return true;
    return false;
}

bool VarveDaemon::running() {
    if (pid_ <= 0) return false;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == 0) return true;
    pid_ = -1;
    return false;
}

bool VarveDaemon::try_start() {
    spawn();
    bool alive = true;
    return eventually([&] { return mounted() || !(alive = running()); }) && alive && mounted();
}

bool VarveDaemon::start() {
    const bool ready = try_start();
    EXPECT_TRUE(ready) << "varvefs did not mount; its log ends:\n" << log_tail();
    return ready;
}

int VarveDaemon::reap() {
    int status = 0;
    const bool ended = eventually([&] { return ::waitpid(pid_, &status, WNOHANG) != 0; });
    if (!ended) {
        ADD_FAILURE() << "varvefs did not end; its log ends:\n" << log_tail();
        (void)::kill(pid_, SIGKILL);                                   // still our child
        (void)::umount2(mountpoint_.c_str(), MNT_FORCE | MNT_DETACH);  // aborts what keeps it alive
        (void)::waitpid(pid_, &status, 0);
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int VarveDaemon::terminate() {
    if (!running()) return -1;
    (void)::kill(pid_, SIGTERM);  // still our child
    return reap();
}

void VarveDaemon::kill() {
    if (!running()) return;
    (void)::kill(pid_, SIGKILL);  // still our child
    // MNT_FORCE aborts the connection: a thread that waits in notify_inval_entry for a directory's lock, which a client holds while it waits
    // for an answer, does not heed SIGKILL (Linux 6.18), and while it lives nobody else is released.
    EXPECT_EQ(::umount2(mountpoint_.c_str(), MNT_FORCE | MNT_DETACH), 0) << Errno{errno};
    (void)reap();
}

bool VarveDaemon::restart() {
    EXPECT_EQ(terminate(), 0) << log_tail();
    return start();
}

std::string VarveDaemon::log_tail() const {
    std::ifstream log(settings_.work_directory / "varvefs.log");
    std::stringstream text;
    text << log.rdbuf();
    constexpr std::size_t shown = 4000;
    const auto all = text.str();
    return all.size() > shown ? all.substr(all.size() - shown) : all;
}

}  // namespace varve::test_support
