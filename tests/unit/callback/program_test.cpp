// SPDX-License-Identifier: LGPL-2.1-or-later
// Real programs, and files that are not run.
#include "drivers/callback/program_runner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace varve::callback {
namespace {

using namespace std::chrono_literals;
using base::Errc;

class HookProgramTest : public testing::Test {
protected:
    HookProgramTest() {
        std::string name = (std::filesystem::temp_directory_path() / "varve-hook-XXXXXX").string();
        top_ = ::mkdtemp(name.data()) != nullptr ? name : "";
    }
    ~HookProgramTest() override { std::filesystem::remove_all(top_); }

    // A program of this content, with this mode.
    void write(const std::string& script, mode_t mode = 0755) const {
        std::filesystem::remove(program_());
        std::ofstream(program_()) << "#!/bin/sh\n" << script << "\n";
        EXPECT_EQ(::chmod(program_().c_str(), mode), 0);
    }
    [[nodiscard]] std::filesystem::path program_() const { return top_ / "hook"; }
    [[nodiscard]] ProgramRunner runner(std::chrono::milliseconds deadline = 60s, std::chrono::milliseconds grace = 60s) const {
        return {program_(), {"--fast", "two words"}, deadline, grace};
    }
    [[nodiscard]] kernel::Finished run(std::chrono::milliseconds deadline = 60s, std::chrono::milliseconds grace = 60s) const {
        auto made = runner(deadline, grace);
        auto finished = made.run({{"before", "start", "fast", "work", "root"}, {{"VARVE_SIZE", "512"}}});
        EXPECT_TRUE(finished) << finished.error().message();
        return finished.value_or(kernel::Finished{});
    }
    void expect_refused(Errc code, const std::string& why) const {
        auto made = runner();
        const auto finished = made.run({});
        ASSERT_FALSE(finished);
        EXPECT_EQ(finished.error().code, code) << finished.error().message();
        EXPECT_NE(finished.error().message().find(why), std::string::npos) << finished.error().message();
        EXPECT_FALSE(made.check());
    }

    std::filesystem::path top_;
};

TEST_F(HookProgramTest, GetsItsArgumentsAndNothingElse) {
    write("for a; do echo \"[$a]\"; done; env | sort | grep -v ^PWD= | grep -v ^_=; pwd; cd /proc/$$/fd; echo *");
    const auto finished = run();
    EXPECT_EQ(finished.exit_status, 0);
    // Its descriptors: 0, 1, 2, 10, which the shell reads its script from, and 3, with which it lists them. Another program would see its pipe, too.
    EXPECT_EQ(finished.output,
              "[--fast]\n[two words]\n[before]\n[start]\n[fast]\n[work]\n[root]\n"
              "HOME=/\nLC_ALL=C\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nVARVE_SIZE=512\n/\n0 1 10 2 3\n");
}

TEST_F(HookProgramTest, ItsExitStatusAndSignalAreTold) {
    write("echo no room >&2; exit 42");
    const auto refused = run();
    EXPECT_EQ(refused.exit_status, 42);
    EXPECT_EQ(refused.errors, "no room\n");
    write("kill -KILL $$");
    EXPECT_EQ(run().signal, SIGKILL);
}

TEST_F(HookProgramTest, AHangWithChildrenThatHoldThePipesEnds) {
    write("trap '' TERM; (trap '' TERM; while :; do sleep 0.01; done) & while :; do sleep 0.01; done");
    const auto finished = run(300ms, 20ms);
    EXPECT_TRUE(finished.timed_out);
    EXPECT_FALSE(finished.succeeded());
}

TEST_F(HookProgramTest, ADaemonThatItLeavesIsNotWaitedFor) {
    write("setsid sleep 1000 & echo $!; exit 0");
    const auto finished = run();
    EXPECT_EQ(finished.exit_status, 0);
    EXPECT_FALSE(finished.timed_out);
    const int left = std::atoi(finished.output.c_str());
    ASSERT_GT(left, 1) << finished.output;
    EXPECT_EQ(::kill(left, SIGKILL), 0);
}

TEST_F(HookProgramTest, AFloodIsBounded) {
    write("head -c 10000000 /dev/zero | tr '\\0' x; head -c 10000000 /dev/zero >&2; echo end; echo over >&2");
    const auto finished = run();
    EXPECT_EQ(finished.exit_status, 0);
    EXPECT_EQ(finished.output.size(), 64U * 1024);
    EXPECT_TRUE(finished.output.ends_with("end\n"));
    EXPECT_EQ(finished.errors.size(), 64U * 1024);
}

TEST_F(HookProgramTest, WhatIsNotThereIsNotRun) { expect_refused(Errc::NotFound, "cannot be looked at"); }

TEST_F(HookProgramTest, WhatOthersMayWriteIsNotRun) {
    for (const auto mode : {0775, 0757}) {
        write("exit 0", static_cast<mode_t>(mode));
        expect_refused(Errc::Denied, "can be written by others");
    }
    write("exit 0");
    ASSERT_EQ(::chmod(top_.c_str(), 0777), 0);
    expect_refused(Errc::Denied, "others may write to " + std::filesystem::canonical(top_).string());
    ASSERT_EQ(::chmod(top_.c_str(), 01777), 0);
    EXPECT_EQ(run().exit_status, 0);
}

TEST_F(HookProgramTest, WhatIsNoExecutableFileIsNotRun) {
    write("exit 0", 0644);
    expect_refused(Errc::Denied, "not executable");
    std::filesystem::remove(program_());
    std::filesystem::create_directory(program_());
    expect_refused(Errc::Denied, "no regular file");
    std::filesystem::remove(program_());
    std::filesystem::create_symlink("/bin/true", program_());
    expect_refused(Errc::Denied, "symbolic link");
}

TEST_F(HookProgramTest, WhatBelongsToAnotherIsNotRun) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    write("exit 0");
    ASSERT_EQ(::chown(program_().c_str(), 1000, 1000), 0);
    expect_refused(Errc::Denied, "must belong to root");
}

TEST_F(HookProgramTest, WhatCannotBeExecutedIsAnErrorInWords) {
    std::filesystem::remove(program_());
    std::ofstream(program_()) << "#!/nowhere/interpreter\n";
    ASSERT_EQ(::chmod(program_().c_str(), 0755), 0);
    auto made = runner();
    const auto finished = made.run({});
    ASSERT_FALSE(finished);
    EXPECT_NE(finished.error().message().find(program_().string()), std::string::npos) << finished.error().message();
}

TEST_F(HookProgramTest, ItsPathIsAbsolute) {
    ProgramRunner relative("hook", {}, 1s);
    EXPECT_EQ(relative.check().error().code, Errc::InvalidArgument);
    ProgramRunner up("/bin/../bin/true", {}, 1s);
    EXPECT_EQ(up.check().error().code, Errc::InvalidArgument);
}

}  // namespace
}  // namespace varve::callback
