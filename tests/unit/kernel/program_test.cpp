// SPDX-License-Identifier: LGPL-2.1-or-later
// Programs that run, hang, flood and leave children behind.
#include "drivers/kernel/program.h"
#include "drivers/base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

namespace varve::kernel {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto generous = 60s;

Program shell(const std::string& script) {
    Program program;
    program.arguments = {"/bin/sh", "-c", script};
    program.deadline = generous;
    return program;
}

Finished run(const Program& program) {
    auto finished = run_program(program);
    EXPECT_TRUE(finished) << finished.error().message();
    return finished.value_or(Finished{});
}

TEST(ProgramTest, SaysHowItEndedAndWhatItSaid) {
    const auto finished = run(shell("echo out; echo err >&2; exit 3"));
    EXPECT_EQ(finished.exit_status, 3);
    EXPECT_EQ(finished.output, "out\n");
    EXPECT_EQ(finished.errors, "err\n");
    EXPECT_FALSE(finished.timed_out);
}

TEST(ProgramTest, ASignalIsNoExitStatus) {
    const auto finished = run(shell("kill -SEGV $$"));
    EXPECT_EQ(finished.signal, SIGSEGV);
    EXPECT_EQ(finished.exit_status, -1);
    EXPECT_FALSE(finished.succeeded());
}

TEST(ProgramTest, WhatIsNotThereCannotBeStarted) {
    Program program;
    program.arguments = {"/nowhere/program"};
    EXPECT_FALSE(run_program(program));
}

TEST(ProgramTest, WithoutInputItReadsNothing) {
    auto program = shell("readlink /proc/self/fd/0; cat");
    EXPECT_NE(run(program).output, "/dev/null\n") << "but an empty file";
    program.inherits = false;
    EXPECT_EQ(run(program).output, "/dev/null\n");
}

TEST(ProgramTest, AHangEndsAtItsDeadlineWithItsChildren) {
    auto program = shell("sleep 1000 & sleep 1000");
    program.deadline = 20ms;
    const auto finished = run(program);
    EXPECT_TRUE(finished.timed_out);
    EXPECT_EQ(finished.signal, SIGKILL);
}

TEST(ProgramTest, ItMayTidyUpAtItsDeadline) {
    auto program = shell("trap 'echo tidied; exit 7' TERM; echo ready; while :; do sleep 1000 & wait; done");
    program.grace = generous;
    Finished finished;
    for (program.deadline = 100ms; program.deadline < generous && !finished.output.starts_with("ready\n"); program.deadline *= 4)
        finished = run(program);  // longer where the shell has not got as far
    EXPECT_TRUE(finished.timed_out);
    EXPECT_EQ(finished.output, "ready\ntidied\n");
    EXPECT_EQ(finished.exit_status, 7);
}

TEST(ProgramTest, WhatIgnoresItsDeadlineIsKilled) {
    auto program = shell("trap '' TERM; while :; do sleep 0.01; done");
    program.deadline = 300ms;  // enough for the shell to come to its trap
    program.grace = 20ms;
    const auto finished = run(program);
    EXPECT_TRUE(finished.timed_out);
    EXPECT_EQ(finished.signal, SIGKILL);
}

TEST(ProgramTest, AFloodIsCutAndDoesNotHideTheDeadline) {
    auto program = shell("exec yes");
    program.deadline = 300ms;
    program.output_limit = 1000;
    const auto finished = run(program);
    EXPECT_TRUE(finished.timed_out);
    EXPECT_EQ(finished.output.size(), 1000U);
}

TEST(ProgramTest, TheEndOfAnOutputIsKept) {
    auto program = shell("i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done; echo last");
    program.output_limit = 9;
    EXPECT_EQ(run(program).output, "999\nlast\n");
}

// A daemon that somebody starts in a hook keeps the pipes open for ever.
TEST(ProgramTest, AChildThatIsLeftBehindIsNotWaitedFor) {
    const auto begun = Clock::now();
    const auto finished = run(shell("sleep 1000 & echo $!"));
    EXPECT_EQ(finished.exit_status, 0);
    EXPECT_LT(Clock::now() - begun, generous);
    const int left = std::atoi(finished.output.c_str());
    ASSERT_GT(left, 1);
    EXPECT_EQ(::kill(left, SIGKILL), 0);
}

TEST(ProgramTest, NothingIsInheritedThatIsNotNamed) {
    ASSERT_EQ(::setenv("VARVE_SECRET_OF_THE_TEST", "x", 1), 0);
    auto program = shell("env | cut -d= -f1 | sort; ls /proc/self/fd");
    program.inherits = false;
    program.environment = {{"PATH", "/usr/bin:/bin"}};
    const base::UniqueFd leaky(::open("/dev/null", O_RDONLY));  // NOLINT(android-cloexec-open): as a library may
    const auto finished = run(program);
    ASSERT_EQ(::unsetenv("VARVE_SECRET_OF_THE_TEST"), 0);
    EXPECT_EQ(finished.output.find("SECRET"), std::string::npos) << finished.output;
    EXPECT_NE(finished.output.find("LC_ALL\n"), std::string::npos) << finished.output;
    // ls has its own descriptor of the directory.
    EXPECT_TRUE(finished.output.ends_with("0\n1\n2\n3\n")) << finished.output;
}

}  // namespace
}  // namespace varve::kernel
