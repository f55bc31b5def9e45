// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/private_processes.h"

#include "tests/support/loop_filesystem.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace varve::test_support {

using base::fail_errno;
using base::Result;

namespace {

// As the child ended.
[[noreturn]] void end_like(int status) {
    if (WIFEXITED(status)) ::_exit(WEXITSTATUS(status));
    ::_exit(128 + WTERMSIG(status));
}

// Until `child` ends, also for those whose parents have gone: to who asks whether it lives, a process that nobody waits for does.
[[noreturn]] void reap_until(pid_t child) {
    for (;;) {
        int status = 0;
        const auto ended = ::wait(&status);
        if (ended == child) end_like(status);
        if (ended < 0 && errno != EINTR) ::_exit(EXIT_FAILURE);
    }
}

}  // namespace

Result<> enter_private_processes() {
    if (auto entered = enter_private_mounts(); !entered) return entered;
    if (::unshare(CLONE_NEWPID) != 0) return fail_errno(errno, "cannot make a namespace of processes");
    const auto first = ::fork();
    if (first < 0) return fail_errno(errno, "cannot fork");
    if (first != 0) reap_until(first);
    // The first of its namespace: when it ends, the kernel kills the others.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return fail_errno(errno, "cannot end with the test");
    if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) return fail_errno(errno, "cannot mount /proc");
    const auto second = ::fork();
    if (second < 0) return fail_errno(errno, "cannot fork");
    if (second != 0) reap_until(second);
    return {};
}

}  // namespace varve::test_support
