// SPDX-License-Identifier: LGPL-2.1-or-later
// varve status and varve top, on boards that the test writes.
#include "fs/board/status_board.h"
#include "orchestrator/cli/bar.h"
#include "orchestrator/cli/board_page.h"
#include "orchestrator/cli/screen.h"
#include "tests/unit/board/board_directory.h"
#include "tests/unit/cli/session.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): POSIX's
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace varve::cli {
namespace {

using nlohmann::json;

class BoardCli : public testing::Session {
protected:
    [[nodiscard]] board::BoardFile board(const std::string& boot = board_test::this_boot) {
        auto made = board::BoardFile::make(runtime, tree.root(), boot, {1'600'000'000, 0});
        if (!made || !made->publish()) throw std::runtime_error("no board");
        fill(*made);
        return *std::move(made);
    }
    static void fill(const board::BoardFile& file) {
        board::StatusBoard status(file.board());
        activity::Traffic traffic;
        traffic.add_read(3 << 20);
        board::Gathered gathered;
        gathered.pools.resize(2);
        gathered.pools[0].name = "fast";
        gathered.pools[0].driver = "file-reflink";
        gathered.pools[0].open = 1;
        gathered.pools[0].size = 4ULL << 30;
        gathered.pools[0].used = 1ULL << 30;
        gathered.pools[0].volumes = 7;
        gathered.pools[1].name = "slow\033[31m";
        gathered.pools[1].trouble = "its disk is gone";
        gathered.volumes.resize(1);
        gathered.volumes[0].name = "fast/work/root";
        gathered.volumes[0].state = "writing";
        gathered.volumes[0].written = 5 << 20;
        gathered.volumes[0].trouble = "an undo failed";
        gathered.all_pools = 3;
        gathered.all_volumes = 10;
        status.show(gathered, traffic, base::SystemClock().now());
        const base::SystemClock clock;
        engine::Operations operations(clock, {&status});
        const auto vm = base::VmName::parse("work").value();
        operations.begin("stop", base::PoolName::parse("fast").value(), vm)->done();
        running(file);
    }
    // One that never ends.
    static void running(const board::BoardFile& file) {
        protocol::BoardOperation operation;
        operation.number = 9;
        operation.verb = "rename VM";
        operation.subject = "fast/work";
        operation.to = "play";
        operation.begun_seconds = base::SystemClock().now().seconds - 5000;
        file.board().operations[3].write(operation);
        file.board().totals.write({2, 1, 0, 1});
    }
    static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
};

TEST_F(BoardCli, StatusIsOnePage) {
    const auto file = board();
    const auto ran = run({"status"});
    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_EQ(ran.err, "");
    EXPECT_TRUE(has(ran.out, "varvefs " VARVE_VERSION " at " + tree.root() + ", process " + std::to_string(::getpid()))) << ran.out;
    EXPECT_TRUE(has(ran.out, "since 2020-09-13T12:26:40Z")) << ran.out;
    EXPECT_TRUE(has(ran.out, "1 operations done, 0 failed, 2 running; 3.0 MiB read")) << ran.out;
    EXPECT_TRUE(has(ran.out, "[#####...............]  25%  1.0 GiB  4.0 GiB")) << ran.out;
    EXPECT_TRUE(has(ran.out, "slow\\x1b[31m  not open")) << ran.out;
    EXPECT_TRUE(has(ran.out, "TROUBLE: slow\\x1b[31m: its disk is gone")) << ran.out;
    EXPECT_TRUE(has(ran.out, "and 1 more pools")) << ran.out;
    EXPECT_TRUE(has(ran.out, "rename VM  fast/work -> play  500")) << ran.out;
    EXPECT_TRUE(has(ran.out, "and 1 more operations")) << ran.out;
    EXPECT_TRUE(has(ran.out, "fast/work/root  writing, DEGRADED")) << ran.out;
    EXPECT_TRUE(has(ran.out, "and 9 more volumes")) << ran.out;
    EXPECT_TRUE(has(ran.out, "TROUBLE: fast/work/root: an undo failed")) << ran.out;
    EXPECT_FALSE(has(ran.out, "\033")) << "what others wrote is made printable";
}

TEST_F(BoardCli, StatusAsJson) {
    const auto file = board();
    const auto ran = run({"--json", "status"});
    EXPECT_EQ(ran.code, ExitCode::Ok);
    const auto object = json::parse(ran.out);
    EXPECT_EQ(object.at("state"), "alive");
    EXPECT_EQ(object.at("pid"), ::getpid());
    EXPECT_EQ(object.at("mountpoint"), tree.root());
    EXPECT_EQ(object.at("/pools/0/usage"_json_pointer), 1ULL << 30);
    EXPECT_EQ(object.at("/pools/1/open"_json_pointer), false);
    EXPECT_EQ(object.at("/operations/0/operation"_json_pointer), "rename VM");
    EXPECT_EQ(object.at("/operations/0/to"_json_pointer), "play");
    EXPECT_GE(object.at("/operations/0/seconds"_json_pointer).get<double>(), 5000.0);
    EXPECT_EQ(object.at("/volumes/0/written"_json_pointer), 5 << 20);
    EXPECT_EQ(object.at("/verbs/0/done"_json_pointer), 1);
    EXPECT_EQ(object.at("/more/pools"_json_pointer), 1);
    EXPECT_EQ(object.at("/more/operations"_json_pointer), 1);
    EXPECT_EQ(object.at("/totals/read"_json_pointer), 3 << 20);
}

TEST_F(BoardCli, ADeadDaemonIsShownAsThat) {
    const auto file = board("00000000-0000-0000-0000-000000000000");
    const auto ran = run({"status"});
    EXPECT_EQ(ran.code, ExitCode::NoMount);
    EXPECT_TRUE(has(ran.out, "IS DEAD")) << ran.out;
    EXPECT_TRUE(has(ran.out, "fast/work/root")) << "its last words";
    EXPECT_EQ(json::parse(run({"--json", "status"}).out).at("state"), "dead");
    EXPECT_EQ(run({"top", "--count", "1"}).code, ExitCode::NoMount);
}

TEST_F(BoardCli, NoneAtAllIsAFailure) {
    for (const auto* command : {"status", "top"}) {
        const auto ran = run({command});
        EXPECT_EQ(ran.code, ExitCode::NoMount);
        EXPECT_EQ(ran.out, "");
        EXPECT_TRUE(has(ran.err, "no varvefs shows its status for '" + tree.root() + "'")) << ran.err;
    }
    const auto ran = run({"--json", "status"});
    EXPECT_EQ(json::parse(ran.err).at("/error/exit"_json_pointer), 3);
}

// After a crash and an umount: nothing says where it was but the board.
TEST_F(BoardCli, WithoutAMountTheOnlyBoardIsMeant) {
    variable.clear();
    tree.put("mountinfo", "");
    EXPECT_EQ(run({"status"}).code, ExitCode::NoMount);
    const auto file = board();
    EXPECT_EQ(run({"status"}).code, ExitCode::Ok);
    auto other = board::BoardFile::make(runtime, "/elsewhere", board_test::this_boot, {});
    ASSERT_TRUE(other && other->publish());
    const auto ran = run({"status"});
    EXPECT_EQ(ran.code, ExitCode::NoMount);
    EXPECT_TRUE(has(ran.err, "no Varve file system is mounted")) << ran.err;
    EXPECT_EQ(run({"status", "--mount", "/elsewhere"}).code, ExitCode::Ok);
}

TEST_F(BoardCli, ADamagedBoardIsAFailureWithAReason) {
    { const auto file = board(); }
    tree.put("run/boards/" + protocol::board_file_name(tree.root()), "VARVEBRD");
    const auto ran = run({"status"});
    EXPECT_EQ(ran.code, ExitCode::NoMount);
    EXPECT_TRUE(has(ran.err, "is damaged: it is too short")) << ran.err;
}

TEST_F(BoardCli, TopPrintsPagesWhereThereIsNoTerminal) {
    const auto file = board();
    const auto ran = run({"top", "--count", "2", "--interval", "0.1"});
    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    const auto first = ran.out.find("POOL ");
    EXPECT_NE(ran.out.find("POOL ", first + 1), std::string::npos) << ran.out;
    EXPECT_TRUE(has(ran.out, "0.0 operations/s")) << ran.out;
    EXPECT_FALSE(has(ran.out, "\033"));
}

TEST_F(BoardCli, TopAsJsonIsALineForEachLook) {
    const auto file = board();
    const auto ran = run({"--json", "top", "-c", "3", "-i", "0.1"});
    EXPECT_EQ(ran.code, ExitCode::Ok);
    ASSERT_EQ(std::ranges::count(ran.out, '\n'), 3) << ran.out;
    std::istringstream lines(ran.out);
    std::string line;
    std::getline(lines, line);
    EXPECT_FALSE(json::parse(line).contains("rates"));
    std::getline(lines, line);
    EXPECT_EQ(json::parse(line).at("/rates/operations"_json_pointer), 0.0);
}

TEST_F(BoardCli, TopEndsWithASignal) {
    const auto file = board();
    interrupted = true;
    EXPECT_EQ(run({"top"}).code, ExitCode::Interrupted);
}

TEST_F(BoardCli, WrongNumbersAreMistakesOfUsage) {
    const auto file = board();
    for (const auto& words : std::vector<std::vector<std::string>>{{"top", "-i", "0"},
                                                                   {"top", "-i", "x"},
                                                                   {"top", "-i", "1e9"},
                                                                   {"top", "-c", "0"},
                                                                   {"top", "-c", "-1"},
                                                                   {"top", "more"},
                                                                   {"status", "more"}})
        EXPECT_EQ(run(words).code, ExitCode::Usage) << words.back();
}

// ---- on a terminal

class TerminalTest : public BoardCli {
protected:
    void SetUp() override {
        BoardCli::SetUp();
        master_ = base::UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        ASSERT_TRUE(master_.valid());
        std::array<char, 128> name{};
        ASSERT_TRUE(::grantpt(master_.get()) == 0 && ::unlockpt(master_.get()) == 0);
        ASSERT_EQ(::ptsname_r(master_.get(), name.data(), name.size()), 0);
        terminal_ = base::UniqueFd(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
        ASSERT_TRUE(terminal_.valid());
        input = output = terminal_.get();
    }
    [[nodiscard]] termios settings() const {
        termios found{};
        EXPECT_EQ(::tcgetattr(terminal_.get(), &found), 0);
        return found;
    }
    void type(std::string_view keys) const {
        EXPECT_EQ(::write(master_.get(), keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
    }
    // What the terminal was before.
    static bool same(const termios& a, const termios& b) {
        return a.c_lflag == b.c_lflag && a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && std::ranges::equal(a.c_cc, b.c_cc);
    }

    base::UniqueFd master_;
    base::UniqueFd terminal_;
};

TEST_F(TerminalTest, QuitsWithQAndLeavesTheTerminalAsItWas) {
    const auto file = board();
    const auto before = settings();
    const winsize small{10, 30, 0, 0};
    ASSERT_EQ(::ioctl(terminal_.get(), TIOCSWINSZ, &small), 0);
    // Raw already: what is typed ahead is then not kept for a line's end.
    auto raw = before;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ASSERT_EQ(::tcsetattr(terminal_.get(), TCSANOW, &raw), 0);
    type("x q");
    const auto ran = run({"top", "-i", "3600"});
    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_TRUE(same(settings(), raw));
    EXPECT_TRUE(ran.out.starts_with("\033[?1049h\033[?25l"));
    EXPECT_TRUE(ran.out.ends_with("\033[?25h\033[?1049l"));
    EXPECT_TRUE(has(ran.out, "more lines)")) << ran.out;
}

TEST_F(TerminalTest, IsRestoredAfterASignalToo) {
    const auto file = board();
    const auto before = settings();
    interrupted = true;
    EXPECT_EQ(run({"top"}).code, ExitCode::Interrupted);
    EXPECT_TRUE(same(settings(), before));
}

TEST_F(TerminalTest, HearsThatItHasGone) {
    master_.reset();
    EXPECT_EQ(wait_for_key(input, std::chrono::minutes(1)), Waited::Gone);
}

TEST_F(TerminalTest, MeanwhileKeysAreNotShownAndCannotStopIt) {
    std::ostringstream out;
    const auto before = settings();
    {
        const auto screen = Screen::enter(input, output, out);
        ASSERT_TRUE(screen);
        const auto during = settings();
        EXPECT_EQ(during.c_lflag & static_cast<tcflag_t>(ICANON | ECHO), 0U);
        EXPECT_NE(during.c_lflag & static_cast<tcflag_t>(ISIG), 0U);
        EXPECT_EQ(during.c_cc[VSUSP], _POSIX_VDISABLE);
    }
    EXPECT_TRUE(same(settings(), before));
    EXPECT_FALSE(Screen::enter(-1, output, out));
}

// ---- the parts of the page

TEST(Pages, BarsAndAges) {
    EXPECT_EQ(bar(0, 10, 4), "[....]");
    EXPECT_EQ(bar(5, 10, 4), "[##..]");
    EXPECT_EQ(bar(10, 10, 4), "[####]");
    EXPECT_EQ(bar(99, 10, 4), "[####]");
    EXPECT_EQ(bar(1, 0, 4), "[....]");
    EXPECT_EQ(age(-3), "0 s");
    EXPECT_EQ(age(59), "59 s");
    EXPECT_EQ(age(60), "1 min");
    EXPECT_EQ(age(3 * 3600 + 5 * 60 + 1), "3 h 5 min");
    EXPECT_EQ(age(50 * 3600), "2 d 2 h");
}

TEST(Pages, FitTheTerminal) {
    EXPECT_EQ(fitted("one\ntwo\n", 80, 24), "one\ntwo\n");
    EXPECT_EQ(fitted("abcdef\n", 3, 24), "abc\n");
    EXPECT_EQ(fitted("\xc3\xa4\xc3\xb6\xc3\xbc\n", 2, 24), "\xc3\xa4\xc3\xb6\n");
    EXPECT_EQ(fitted("1\n2\n3\n4\n", 80, 3), "1\n2\n(2 more lines)\n");
    EXPECT_EQ(fitted("1\n2\n3\n4\n", 4, 3), "1\n2\n(2 m\n");
    EXPECT_EQ(fitted("1\n2\n", 80, 0), "");
}

TEST(RateMeters, MeasureOneDaemon) {
    board_reader::BoardSnapshot look;
    look.writer.pid = 1;
    look.totals.done = 10;
    look.gathered = {100, 0, 0, 0, 1000, 0};
    const std::chrono::steady_clock::time_point start{};
    RateMeter meter;
    EXPECT_FALSE(meter.add(look, start));
    look.totals.done = 18;
    look.totals.failed = 2;
    look.gathered = {104, 0, 0, 0, 5000, 8};
    auto rates = meter.add(look, start + std::chrono::seconds(2));
    ASSERT_TRUE(rates);
    EXPECT_EQ(rates->operations, 5.0);
    EXPECT_EQ(rates->read, 1000.0);
    EXPECT_EQ(rates->written, 2.0);
    rates = meter.add(look, start + std::chrono::seconds(4));
    EXPECT_EQ(rates->operations, 0.0);
    EXPECT_EQ(rates->read, 1000.0) << "nothing new was looked at since";
    look.writer.pid = 2;
    EXPECT_FALSE(meter.add(look, start + std::chrono::seconds(6))) << "another daemon counts from nought";
}

}  // namespace
}  // namespace varve::cli
