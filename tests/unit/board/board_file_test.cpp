// SPDX-License-Identifier: LGPL-2.1-or-later
// A board from its writer's beginning to its end, as readers see it.
#include "tests/unit/board/board_directory.h"

#include "fs/protocol/process_start.h"

#include <unistd.h>

#include <optional>
#include <vector>

namespace varve::board_test {
namespace {

using base::Errc;
using board_reader::WriterLife;
using BoardFiles = BoardDirectory;

std::vector<std::string> names_in(const std::filesystem::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) names.push_back(entry.path().filename());
    return names;
}

TEST_F(BoardFiles, HaveNoNameBeforeTheyArePublished) {
    auto file = make();
    EXPECT_TRUE(names_in(runtime() / "boards").empty());
    EXPECT_EQ(look().error().code, Errc::NotFound);
    ASSERT_TRUE(file.publish());
    EXPECT_EQ(names_in(runtime() / "boards"), std::vector{board_path().filename().string()});
}

TEST_F(BoardFiles, SayWhoWritesThem) {
    const auto file = published();
    const auto seen = look();
    ASSERT_TRUE(seen) << seen.error().message();
    EXPECT_EQ(seen->life, WriterLife::Alive);
    EXPECT_EQ(seen->writer.pid, ::getpid());
    EXPECT_EQ(seen->writer.process_start, protocol::process_start(::getpid())->ticks);
    EXPECT_EQ(seen->writer.boot_id.text(), this_boot);
    EXPECT_EQ(seen->writer.mountpoint.text(), mountpoint());
    EXPECT_EQ(seen->writer.version.text(), VARVE_VERSION);
    EXPECT_EQ(seen->writer.started_seconds, 1'600'000'000);
    EXPECT_EQ(seen->writer.generation, 1U);
}

TEST_F(BoardFiles, AreForEverybodyToReadAndFilledWithStorage) {
    const auto file = published();
    struct stat status {};
    ASSERT_EQ(::stat(board_path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0644U);
    EXPECT_EQ(status.st_size, static_cast<off_t>(sizeof(protocol::Board)));
    EXPECT_GE(status.st_blocks * 512, static_cast<off_t>(sizeof(protocol::Board)));
}

TEST_F(BoardFiles, GoWithTheirWriter) {
    {
        const auto file = published();
        ASSERT_TRUE(look());
    }
    EXPECT_TRUE(names_in(runtime() / "boards").empty());
    EXPECT_EQ(look().error().code, Errc::NotFound);
}

TEST_F(BoardFiles, WhoeverHasThemMappedSeesTheEnd) {
    std::optional<board::BoardFile> file(published());
    const auto directory = protocol::open_boards(runtime());
    ASSERT_TRUE(directory);
    const auto reader = board_reader::BoardReader::open(directory->get(), board_path().filename());
    ASSERT_TRUE(reader);
    EXPECT_FALSE(reader->replaced(directory->get(), board_path().filename()));
    file.reset();
    EXPECT_EQ(reader->read(machine_).life, WriterLife::Ended);
    EXPECT_TRUE(reader->replaced(directory->get(), board_path().filename()));
}

TEST_F(BoardFiles, ThatADaemonLeftAreTakenOver) {
    auto old = published();
    auto finder = this->finder();
    machine_.alive = false;
    EXPECT_EQ(finder.read(machine_)->life, WriterLife::Dead);
    machine_.alive = true;
    std::optional<board::BoardFile> next(published());
    EXPECT_EQ(finder.read(machine_)->writer.generation, 2U);
    EXPECT_EQ(names_in(runtime() / "boards").size(), 1U);
    {
        const auto gone = std::move(old);  // it must not take away what is the next one's
    }
    EXPECT_EQ(finder.read(machine_)->writer.generation, 2U);
    next.reset();
    EXPECT_EQ(finder.read(machine_).error().code, Errc::NotFound);
}

TEST_F(BoardFiles, TakeTheirPlaceFromAnything) {
    std::filesystem::create_directories(board_path().parent_path());
    std::ofstream(top_ / "precious") << "kept";
    std::filesystem::create_symlink(top_ / "precious", board_path());
    const auto file = published();
    EXPECT_TRUE(look());
    std::string text;
    std::ifstream(top_ / "precious") >> text;
    EXPECT_EQ(text, "kept");
}

TEST_F(BoardFiles, OfMountsAreListed) {
    EXPECT_TRUE(board_reader::boards_in(runtime())->empty());
    const auto file = published();
    std::ofstream(board_path().parent_path() / "other") << "no board";
    EXPECT_EQ(board_reader::boards_in(runtime()).value(), std::vector{mountpoint()});
}

// The real machine.
TEST_F(BoardFiles, TheWriterLivesOnlyAsThatProcessOfThatBoot) {
    const board_reader::ThisMachine machine;
    const auto file = published();
    const auto writer = look()->writer;
    EXPECT_TRUE(machine.lives(writer));
    auto other = writer;
    other.process_start += 1;
    EXPECT_FALSE(machine.lives(other)) << "the number was given again";
    other = writer;
    other.boot_id = "00000000-0000-0000-0000-000000000000";
    EXPECT_FALSE(machine.lives(other)) << "another boot";
    for (const std::int64_t none : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40}) {
        other = writer;
        other.pid = none;
        EXPECT_FALSE(machine.lives(other)) << none;
    }
}

}  // namespace
}  // namespace varve::board_test
