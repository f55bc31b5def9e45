// SPDX-License-Identifier: LGPL-2.1-or-later
// A terminal that is closed while varve works leaves nothing half done.
#include "tests/mount/cli/cli_test.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <ctime>

namespace varve::test_support {
namespace {

constexpr int deadline_seconds = 60;

struct Terminal {
    base::UniqueFd master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    std::string slave;

    Terminal() {
        std::array<char, 64> name{};
        EXPECT_TRUE(master.valid() && ::grantpt(master.get()) == 0 && ::unlockpt(master.get()) == 0);
        EXPECT_EQ(::ptsname_r(master.get(), name.data(), name.size()), 0);
        slave = name.data();
    }
};

// The program, in a process group of its own as a shell with job control makes it, with the terminal as its input, or this descriptor.
pid_t start_job(char* const* words, int input, const sigset_t& normal) {
    const pid_t job = ::fork();
    if (job != 0) return job;
    (void)::setpgid(0, 0);
    (void)::sigprocmask(SIG_SETMASK, &normal, nullptr);
    if (input < 0 || ::dup2(input, STDIN_FILENO) >= 0) ::execv(VARVE_BINARY, words);
    ::_exit(126);
}

// What a shell does: begins a session on the terminal, runs the program in its foreground, and passes a hangup on; here more often than a shell would.
// The program's exit status, 128 and the number of the signal that ended it, or 125 when something else went wrong.
int lead_session(const std::string& terminal, char* const* words, int input) {
    sigset_t hangup;
    sigset_t normal;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    if (::setsid() < 0 || ::sigprocmask(SIG_BLOCK, &hangup, &normal) != 0) return 125;
    const int slave = ::open(terminal.c_str(), O_RDWR);
    if (slave < 0 || ::ioctl(slave, TIOCSCTTY, 0) != 0) return 125;
    for (const int place : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::dup2(slave, place) < 0) return 125;
    const pid_t job = start_job(words, input, normal);
    if (job < 0 || (::setpgid(job, job) != 0 && errno != EACCES) || ::tcsetpgrp(slave, job) != 0) return 125;
    const timespec deadline{deadline_seconds, 0};
    if (::sigtimedwait(&hangup, nullptr, &deadline) != SIGHUP) return 125;
    (void)::alarm(deadline_seconds);
    int status = 0;
    while (::waitpid(job, &status, WNOHANG) == 0) {
        (void)::kill(-job, SIGHUP);  // it may have ended
        (void)::sched_yield();
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class CliHangupTest : public CliTest {
protected:
    void SetUp() override {
        CliTest::SetUp();
        ASSERT_EQ(make_directory(outside()), ok);
    }

    [[nodiscard]] Path outside() const { return stage().directory() / (vm() + "-hangup"); }
    [[nodiscard]] std::string file(const std::string& name) const { return (outside() / name).string(); }
    [[nodiscard]] Names stored() const { return list_directory(backing(vm())); }

    // Starts it on a terminal, closes that as soon as `begun` holds, and gives its exit status.
    int close_terminal(Words arguments, const std::function<bool()>& begun, int input = -1) const {
        arguments.insert(arguments.begin(), {VARVE_BINARY, "--mount", mount().string()});
        std::vector<char*> words;
        words.reserve(arguments.size() + 1);
        for (auto& argument : arguments) words.push_back(argument.data());
        words.push_back(nullptr);
        Terminal terminal;
        Child leader([&] {
            terminal.master.reset();
            return lead_session(terminal.slave, words.data(), input);
        });
        EXPECT_TRUE(eventually(begun));
        terminal.master.reset();
        return leader.wait();
    }

    void expect_unchanged(const Names& before) const {
        EXPECT_EQ(names(), Names{"data.img"});
        EXPECT_EQ(read_file(data()), old_content_);
        EXPECT_TRUE(eventually([&] { return stored() == before; }));
    }

    // An image of so many extents that it takes a while to copy.
    void make_slow(const std::string& path) const {
        constexpr off_t size = off_t{1} << 30;
        OpenFile many(path, O_CREAT | O_WRONLY);
        ASSERT_EQ(many.truncate(size), ok);
        for (off_t place = 0; place < size; place += 128 << 10) ASSERT_EQ(many.write_at(place, "x"), ok);
        ASSERT_EQ(many.close(), ok);
    }
    // On a busy machine it takes so long that it says how far it is.
    void prepare(Words arguments) const {
        const auto done = varve(std::move(arguments));
        EXPECT_EQ(done.exit_status, 0) << done.describe();
    }
};

TEST_F(CliHangupTest, AnImportLeavesNothing) {
    const auto before = stored();
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const base::UniqueFd reading(ends[0]);
    const base::UniqueFd writing(ends[1]);  // stays open: more may come
    constexpr int piece = 1 << 20;          // what is read before anything is written
    ASSERT_EQ(::fcntl(writing.get(), F_SETPIPE_SZ, piece), piece);
    const auto content = pattern('w', piece);
    ASSERT_EQ(::write(writing.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    const auto begun = [&] { return stored() != before; };
    EXPECT_EQ(close_terminal({"import", "--force", "-", data_name()}, begun, reading.get()), Exit::interrupted);
    expect_unchanged(before);
}

TEST_F(CliHangupTest, AnExportLeavesNothing) {
    ASSERT_NO_FATAL_FAILURE(make_slow(file("slow.raw")));
    prepare({"import", file("slow.raw"), vm_name() + "/slow"});
    ASSERT_EQ(remove_file(file("slow.raw")), ok);
    const auto before = stored();
    const auto begun = [&] { return is_open_in(outside()); };
    EXPECT_EQ(close_terminal({"export", vm_name() + "/slow", file("back.raw")}, begun), Exit::interrupted);
    EXPECT_EQ(list_directory(outside()), Names{});
    EXPECT_EQ(stored(), before);
}

TEST_F(CliHangupTest, AConversionLeavesNothing) {
    ASSERT_NO_FATAL_FAILURE(make_slow(file("slow.raw")));
    prepare({"import", file("slow.raw"), vm_name() + "/slow"});
    prepare({"export", "--format", "qcow2", vm_name() + "/slow", file("slow.qcow2")});
    prepare({"rm", vm_name() + "/slow"});
    const auto before = stored();
    const auto begun = [&] { return stored() != before; };
    EXPECT_EQ(close_terminal({"import", "--force", "--format", "qcow2", file("slow.qcow2"), data_name()}, begun), Exit::interrupted);
    expect_unchanged(before);
}

}  // namespace
}  // namespace varve::test_support
