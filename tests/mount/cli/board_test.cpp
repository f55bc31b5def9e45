// SPDX-License-Identifier: LGPL-2.1-or-later
// varve status and varve top beside a daemon that works, hangs, ends and dies.
#include "tests/mount/cli/cli_test.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <csignal>

namespace varve::test_support {
namespace {

class CliBoardTest : public CliTest {
protected:
    [[nodiscard]] Path boards() const { return daemon().runtime_directory() / "boards"; }
    [[nodiscard]] Reply status() const { return {ok, varve({"--json", "status"}).output}; }
    // The first of the board's volumes is ours, in this state.
    [[nodiscard]] bool shows(const std::string& state) const {
        const auto seen = status();
        return seen.at("/volumes/0/volume") == data_name() && seen.at("/volumes/0/state") == state;
    }
};

TEST_F(CliBoardTest, StatusOfADaemonThatWorks) {
    must_varve({"start", data_name()});
    EXPECT_TRUE(eventually([&] { return shows("started"); })) << status().text;
    const auto object = json_of({"status"});
    EXPECT_EQ(object.at("/state"), "alive");
    EXPECT_EQ(object.at("/mountpoint"), mount().string());
    EXPECT_EQ(object.at("/pid"), std::to_string(daemon().pid()));
    EXPECT_EQ(object.at("/pools/0/name"), "fast");
    EXPECT_EQ(object.at("/pools/0/size"), control_value(pool() / ".varve/size"));
    EXPECT_EQ(object.at("/pools/0/trouble"), "");
    EXPECT_EQ(object.at("/volumes/0/size"), std::to_string(volume_size));
    const auto page = must_varve({"status"});
    EXPECT_TRUE(has(page, "varvefs ") && has(page, " at " + mount().string()) && has(page, data_name() + "  started")) << page;
    must_varve({"discard", data_name()});
    EXPECT_TRUE(eventually([&] { return status().at("/volumes/0/volume") != data_name(); })) << status().text;
}

TEST_F(CliBoardTest, VolumesThatAreBeingWrittenSayHowMuchHasCome) {
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, pattern('w', 8192)), ok);
    EXPECT_TRUE(eventually([&] { return shows("writing") && status().at("/volumes/0/written") == "8192"; })) << status().text;
    ASSERT_EQ(file.close(), ok);
    EXPECT_TRUE(eventually([&] { return !shows("writing"); })) << status().text;
}

TEST_F(CliBoardTest, OperationsAreCountedAtOnce) {
    const auto done = [&] { return std::stoull(json_of({"status"}).at("/totals/done")); };
    const auto before = done();
    must_varve({"start", data_name()});
    must_varve({"discard", data_name()});
    EXPECT_EQ(done(), before + 2);
}

TEST_F(CliBoardTest, TopLooksAgainAndAgain) {
    const auto lines = varve({"--json", "top", "--count", "3", "--interval", "0.1"});
    EXPECT_EQ(lines.exit_status, 0) << lines.describe();
    EXPECT_EQ(std::count(lines.output.begin(), lines.output.end(), '\n'), 3) << lines.output;
    EXPECT_TRUE(has(lines.output, "\"rates\":{\"operations\":")) << lines.output;
    EXPECT_TRUE(has(must_varve({"top", "-c", "1"}), "POOL "));
}

TEST_F(CliBoardTest, EverybodyMayReadAndNobodyWrite) {
    const auto names = list_directory(boards());
    ASSERT_EQ(names.size(), 1U);
    const auto board = boards() / names.front();
    EXPECT_EQ(as_user(65534, 65534, [&] { return open_and_close(board, O_RDONLY).number; }), 0);
    EXPECT_EQ(as_user(65534, 65534, [&] { return open_and_close(board, O_RDWR).number; }), EACCES);
}

// What the mount would wait for, the board tells.
TEST_F(CliBoardTest, StatusAnswersWhileTheDaemonHangs) {
    ASSERT_EQ(::kill(daemon().pid(), SIGSTOP), 0);
    const auto page = varve({"status"});
    const auto look = varve({"top", "-c", "1"});
    EXPECT_EQ(::kill(daemon().pid(), SIGCONT), 0);
    EXPECT_EQ(page.exit_status, 0) << page.describe();
    EXPECT_TRUE(has(page.output, "POOL "));
    EXPECT_EQ(look.exit_status, 0) << look.describe();
}

TEST_F(CliBoardTest, AKilledDaemonIsSeenAsDeadUntilTheNextOne) {
    must_varve({"start", data_name()});
    ASSERT_TRUE(eventually([&] { return shows("started"); }));
    const auto generation = std::stoi(json_of({"status"}).at("/generation"));
    daemon().kill();
    const auto dead = varve({"status"});
    EXPECT_EQ(dead.exit_status, Exit::no_mount);
    EXPECT_TRUE(has(dead.output, "IS DEAD") && has(dead.output, data_name())) << dead.output;
    EXPECT_EQ(status().at("/state"), "dead");
    ASSERT_TRUE(daemon().start());
    const auto next = json_of({"status"});
    EXPECT_EQ(next.at("/state"), "alive");
    EXPECT_EQ(next.at("/generation"), std::to_string(generation + 1));
    EXPECT_EQ(list_directory(boards()).size(), 1U);
    must_varve({"discard", data_name()});
}

TEST_F(CliBoardTest, ADaemonThatEndsTakesItsBoardWithIt) {
    const auto place = boards();
    ASSERT_EQ(daemon().terminate(), 0);
    EXPECT_TRUE(list_directory(place).empty());
    const auto none = varve({"status"});
    EXPECT_EQ(none.exit_status, Exit::no_mount);
    EXPECT_TRUE(has(none.errors, "no varvefs shows its status")) << none.errors;
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(json_of({"status"}).at("/generation"), "1");
}

}  // namespace
}  // namespace varve::test_support
