// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/confined_program.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace varve::image_formats {
namespace {

class ConfinedProgramTest : public ::testing::Test {
protected:
    ConfinedProgramTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "varve-confined-XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
        std::ofstream(directory_ / "mine") << "mine";
        std::ofstream(directory_ / "other") << "other";
    }
    ~ConfinedProgramTest() override { std::filesystem::remove_all(directory_); }
    ConfinedProgramTest(const ConfinedProgramTest&) = delete;
    ConfinedProgramTest& operator=(const ConfinedProgramTest&) = delete;

    [[nodiscard]] base::UniqueFd open(const char* name, int flags) const {
        return base::UniqueFd(::open((directory_ / name).c_str(), flags | O_CLOEXEC));
    }
    static ConfinedEnd run(const ConfinedProgram& program) {
        auto end = run_confined(program);
        EXPECT_TRUE(end) << end.error().message();
        return end ? *end : ConfinedEnd{};
    }
    static ConfinedProgram program(std::vector<std::string> arguments) {
        ConfinedProgram made;
        made.arguments = std::move(arguments);
        made.memory_limit = std::uint64_t{1} << 30;
        return made;
    }

    std::filesystem::path directory_;
};

TEST_F(ConfinedProgramTest, ReadsAndWritesWhatItIsHanded) {
    const auto mine = open("mine", O_RDONLY);
    const auto other = open("other", O_WRONLY);
    auto copy = program({"dd", "status=none", "conv=notrunc", "if=" + handed_path(0), "of=" + handed_path(1)});
    copy.files = {{mine.get(), false}, {other.get(), true}};
    const auto end = run(copy);
    EXPECT_EQ(end.exit_status, 0) << end.errors;
    std::string text;
    std::ifstream(directory_ / "other") >> text;
    EXPECT_EQ(text, "miner");
}

TEST_F(ConfinedProgramTest, OpensNothingElse) {
    if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) < 0) GTEST_SKIP() << "the kernel has no Landlock";
    const auto mine = open("mine", O_RDONLY);
    for (const auto& path : {(directory_ / "other").string(), std::string("/etc/passwd"), std::string("/proc/self/environ")}) {
        auto cat = program({"cat", path});
        cat.files = {{mine.get(), false}};
        const auto end = run(cat);
        EXPECT_EQ(end.exit_status, 1) << path;
        EXPECT_EQ(end.output, "");
        EXPECT_NE(end.errors.find("Permission denied"), std::string::npos) << end.errors;
    }
    auto write = program({"dd", "if=/dev/null", "of=" + handed_path(0)});
    write.files = {{mine.get(), false}};
    EXPECT_NE(run(write).exit_status, 0) << "handed for reading only";
    EXPECT_NE(run(program({"touch", (directory_ / "new").string()})).exit_status, 0);
    EXPECT_FALSE(std::filesystem::exists(directory_ / "new"));
}

TEST_F(ConfinedProgramTest, HasNothingToDoWithAnybodyElse) {
    const auto mine = open("mine", O_RDWR);
    for (const auto& [call, refused] :
         {std::pair("socket(S, 1, 1, 0)", true), std::pair("socket(S, 2, 1, 0)", true), std::pair("kill(0, getppid())", true),
          std::pair("chmod(0777, '/proc/self/fd/3')", true), std::pair("open(F, '+<&=3') and chmod(0777, *F)", true),
          std::pair("chown(-1, -1, '/proc/self/fd/3')", true), std::pair("utime(1, 1, '/proc/self/fd/3')", true),
          std::pair("syscall(302, getppid(), 7, 0, 0) == 0", true), std::pair("syscall(302, 0, 7, 0, 0) == 0", false),
          std::pair("do { $! = 0; $> = 1; $> == 1 }", true), std::pair("truncate('/proc/self/fd/3', 1)", true),
          std::pair("open(F, '+<&=3') and truncate(F, 2)", false)}) {
        auto perl = program({"perl", "-e", std::string(call) + " or die $!"});
        perl.files = {{mine.get(), true}};
        const auto end = run(perl);
        EXPECT_EQ(end.exit_status == 0, !refused) << call << ": " << end.errors;
        EXPECT_EQ(end.errors.find("Operation not permitted") != std::string::npos, refused) << call << ": " << end.errors;
    }
    EXPECT_EQ(std::filesystem::file_size(directory_ / "mine"), 2U);
}

TEST_F(ConfinedProgramTest, SaysWhatItSaidAndHowItEnded) {
    std::string heard;
    auto echo = program({"sh", "-c", "echo said; echo wrong >&2; exit 7"});
    echo.heard = [&](std::string_view text) { heard += text; };
    const auto end = run(echo);
    EXPECT_EQ(end.exit_status, 7);
    EXPECT_EQ(end.output, "said\n");
    EXPECT_EQ(heard, "said\n");
    EXPECT_EQ(end.errors, "wrong\n");
    EXPECT_EQ(run(program({"sh", "-c", "echo $LC_ALL; ulimit -n; ulimit -c"})).output, "C\n64\n0\n");
    EXPECT_EQ(run(program({"head", "-c", "2000000", "/dev/null"})).exit_status, 0);
}

TEST_F(ConfinedProgramTest, EndsWhenItMust) {
    auto waiting = program({"sleep", "1000"});
    waiting.interrupted = [] { return true; };
    EXPECT_TRUE(run(waiting).interrupted);
    waiting.interrupted = {};
    waiting.deadline = std::chrono::milliseconds(1);
    const auto end = run(waiting);
    EXPECT_TRUE(end.timed_out);
    EXPECT_EQ(end.signal, SIGKILL);
}

TEST_F(ConfinedProgramTest, MissingProgramsAndFilesThatCannotBeRun) {
    EXPECT_EQ(run_confined(program({"varve-no-such-program"})).error().code, base::Errc::NotFound);
    auto bad = program({"true"});
    bad.files = {{-1, false}};
    EXPECT_FALSE(run_confined(bad));
}

}  // namespace
}  // namespace varve::image_formats
