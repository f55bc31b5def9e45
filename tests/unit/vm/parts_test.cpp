// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/board.h"
#include "orchestrator/vm/readiness.h"
#include "orchestrator/vm/session_files.h"
#include "tests/unit/vm/world.h"

#include <fstream>
#include <future>

namespace varve::vm {
namespace {

using base::Errc;

TEST(HasLine, TakesWholeLinesOnly) {
    EXPECT_TRUE(has_line("a\nready\r\nb", "ready"));
    EXPECT_TRUE(has_line("\rready", "ready"));
    EXPECT_FALSE(has_line("not ready\n", "ready"));
    EXPECT_FALSE(has_line("ready now\n", "ready"));
    EXPECT_FALSE(has_line("", "ready"));
}

class Unwatched final : public BoardWatcher {
public:
    void changed(const VmEvent&) override {}
    void unattended(const base::VmName&) override {}
};

TEST(Board, WaitsForOthersAndThenLooksAtTheState) {
    Unwatched nobody;
    Board board(nobody);
    auto first = board.claim(work, {VmState::Halted}, "start").value();
    const auto now = std::chrono::steady_clock::now();
    EXPECT_EQ(board.claim_after_others(work, {VmState::Halted}, "start", now).error().code, Errc::TimedOut);
    auto other = std::async(std::launch::async,
                            [&] { return board.claim_after_others(work, {VmState::Running}, "stop", now + std::chrono::minutes(1)); });
    first->set_state(VmState::Running);
    first.reset();
    auto second = other.get();
    ASSERT_TRUE(second) << second.error().message();
    second->reset();
    EXPECT_EQ(board.claim_after_others(work, {VmState::Paused}, "resume", now).error().message(), "cannot resume work: it is running");
    EXPECT_TRUE(board.claim(work, {VmState::Running}, "stop")) << "nobody has it after that";
}

class SessionFilesTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "varve-sessions-XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        files = open_session_files(directory / "sessions").value();
    }
    void TearDown() override { std::filesystem::remove_all(directory); }

    static SessionRecord record(std::string_view vm, SessionRecord::Phase phase) {
        const auto name = named<base::VmName>(vm);
        return {name,
                phase,
                "qemu:///system",
                {{{named<base::PoolName>("fast"), name, named<base::VolumeName>("root")}, true},
                 {{named<base::PoolName>("slow"), name, named<base::VolumeName>("data")}, false}}};
    }

    std::filesystem::path directory;
    std::unique_ptr<SessionRecords> files;
};

TEST_F(SessionFilesTest, KeepWhatTheyAreGiven) {
    EXPECT_EQ(files->find(work).value(), std::nullopt);
    for (const auto phase : {SessionRecord::Phase::Starting, SessionRecord::Phase::Resuming, SessionRecord::Phase::Running}) {
        ASSERT_TRUE(files->put(record("work", phase)));
        const auto again = open_session_files(directory / "sessions").value()->find(work);
        ASSERT_TRUE(again) << again.error().message();
        EXPECT_EQ(**again, record("work", phase));
    }
    ASSERT_TRUE(files->put(record("other", SessionRecord::Phase::Running)));
    EXPECT_EQ(files->all().value().size(), 2U);
    ASSERT_TRUE(files->remove(work));
    ASSERT_TRUE(files->remove(work)) << "again";
    EXPECT_EQ(files->all().value().size(), 1U);
}

TEST_F(SessionFilesTest, RefuseNonsense) {
    for (const auto* text : {"", "{", "[]", "{}", R"({"phase":"flying","volumes":[]})", R"({"phase":"running"})",
                             R"({"phase":"running","volumes":[{"pool":"..","vm":"work","volume":"root","fresh":true}]})",
                             R"({"phase":"running","volumes":[7]})"}) {
        std::ofstream(directory / "sessions" / "work.json", std::ios::trunc) << text;
        EXPECT_EQ(files->find(work).error().code, Errc::Corrupt) << text;
        EXPECT_TRUE(files->all().value().empty()) << text;
    }
}

TEST_F(SessionFilesTest, FollowNoLinks) {
    std::filesystem::create_symlink("/etc/passwd", directory / "sessions" / "work.json");
    EXPECT_FALSE(files->find(named<base::VmName>("work")));
    std::filesystem::create_symlink("/etc", directory / "linked");
    EXPECT_FALSE(open_session_files(directory / "linked"));
}

}  // namespace
}  // namespace varve::vm
