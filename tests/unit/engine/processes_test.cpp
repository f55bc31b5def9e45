// SPDX-License-Identifier: LGPL-2.1-or-later
// What /proc says of a process.
#include "fs/engine/writer.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace varve::engine_test {
namespace {

// A child that has ended and is not reaped, as a process is while the kernel closes its files.
class EndedChild {
public:
    explicit EndedChild(bool by_signal) : process_(::fork()) {
        if (process_ == 0) {
            if (by_signal) (void)::raise(SIGKILL);
            ::_exit(3);
        }
        siginfo_t ended{};
        EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOWAIT), 0);
        EXPECT_EQ(ended.si_code, by_signal ? CLD_KILLED : CLD_EXITED);
    }
    ~EndedChild() { EXPECT_EQ(::waitpid(process_, nullptr, 0), process_); }
    EndedChild(const EndedChild&) = delete;
    EndedChild& operator=(const EndedChild&) = delete;
    [[nodiscard]] pid_t process() const { return process_; }

private:
    pid_t process_;
};

TEST(ProcProcesses, KnowsALiveProcess) {
    const engine::ProcProcesses processes;
    EXPECT_EQ(processes.process_of(::gettid()), ::getpid());
    EXPECT_FALSE(processes.killed(::gettid()));
    EXPECT_EQ(processes.process_of(0), 0);
    EXPECT_FALSE(processes.killed(0));
}

TEST(ProcProcesses, KnowsWhoWasKilled) {
    const EndedChild child(true);
    EXPECT_TRUE(engine::ProcProcesses().killed(child.process()));
    EXPECT_EQ(engine::ProcProcesses().process_of(child.process()), child.process());
}

TEST(ProcProcesses, AFailedExitIsNoKill) {
    const EndedChild child(false);
    EXPECT_FALSE(engine::ProcProcesses().killed(child.process()));
}

}  // namespace
}  // namespace varve::engine_test
