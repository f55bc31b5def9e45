// SPDX-License-Identifier: LGPL-2.1-or-later
// Files in the place of a board that are none, or damaged: a reason, or nonsense in its bounds, and never a crash.
#include "tests/unit/board/board_directory.h"

#include "orchestrator/board_reader/board_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <random>
#include <sstream>

namespace varve::board_test {
namespace {

using base::Errc;

class HostileBoards : public BoardDirectory {
protected:
    // A copy of a good board, which nobody owns any more, changed.
    void plant(const std::function<void(std::string&)>& change) {
        std::string text;
        {
            const auto file = published();
            std::ostringstream copy;
            copy << std::ifstream(board_path(), std::ios::binary).rdbuf();
            text = copy.str();
        }
        ASSERT_EQ(text.size(), sizeof(protocol::Board));
        change(text);
        std::filesystem::remove(board_path());
        std::ofstream(board_path(), std::ios::binary) << text;
        std::filesystem::permissions(board_path(), std::filesystem::perms(0644));
    }
    void expect_refused(Errc code, const std::function<void(std::string&)>& change) {
        plant(change);
        const auto seen = look();
        ASSERT_FALSE(seen);
        EXPECT_EQ(seen.error().code, code) << seen.error().message();
    }
    template <class T>
    static void put(std::string& text, std::size_t place, T value) {
        text.replace(place, sizeof(value), reinterpret_cast<const char*>(&value), sizeof(value));  // NOLINT: its bytes
    }
};

TEST_F(HostileBoards, TheUnchangedCopyIsReadable) {
    plant([](std::string&) {});
    EXPECT_TRUE(look());
}

TEST_F(HostileBoards, ThatAreNoneAreRefused) {
    expect_refused(Errc::Corrupt, [](std::string& text) { text.clear(); });
    expect_refused(Errc::Corrupt, [](std::string& text) { text = "VARVEBRD"; });
    expect_refused(Errc::Corrupt, [](std::string& text) { text[0] = 'v'; });
    expect_refused(Errc::Corrupt, [](std::string& text) { text.resize(text.size() - 1); });
    expect_refused(Errc::Corrupt, [](std::string& text) { text.resize(sizeof(protocol::BoardWriter)); });
    expect_refused(Errc::Corrupt, [](std::string& text) { text += '\0'; });
    expect_refused(Errc::Corrupt, [](std::string& text) { put(text, offsetof(protocol::BoardWriter, size), std::uint64_t{1} << 62); });
    expect_refused(Errc::Corrupt, [](std::string& text) { put(text, offsetof(protocol::BoardWriter, pid), std::int64_t{-1}); });
    expect_refused(Errc::Corrupt, [](std::string& text) { put(text, offsetof(protocol::BoardWriter, pid), std::int64_t{1} << 40); });
    expect_refused(Errc::Corrupt, [](std::string& text) { put(text, offsetof(protocol::BoardWriter, mountpoint), '\0'); });
}

TEST_F(HostileBoards, OfAnotherVersionAreRefusedAsThat) {
    expect_refused(Errc::Unsupported,
                   [](std::string& text) { put(text, offsetof(protocol::BoardWriter, layout), protocol::board_layout + 1); });
}

TEST_F(HostileBoards, OfAnotherMountAreNotShownAsThisOnes) {
    expect_refused(Errc::NotFound, [](std::string& text) { put(text, offsetof(protocol::BoardWriter, mountpoint) + 1, 'X'); });
}

TEST_F(HostileBoards, LinksPipesAndDirectoriesAreNotRead) {
    const auto refused = [&] {
        const auto seen = look();
        EXPECT_FALSE(seen);
        std::filesystem::remove_all(board_path());
    };
    plant([](std::string&) {});
    std::filesystem::rename(board_path(), top_ / "real");
    std::filesystem::create_symlink(top_ / "real", board_path());
    refused();
    ASSERT_EQ(::mkfifo(board_path().c_str(), 0644), 0);
    refused();
    std::filesystem::create_directory(board_path());
    refused();
}

TEST_F(HostileBoards, ThatOthersMayWriteAreNotTrusted) {
    plant([](std::string&) {});
    ASSERT_EQ(::chmod(board_path().c_str(), 0666), 0);
    EXPECT_EQ(look().error().code, Errc::Denied);
    if (::geteuid() != 0) return;
    ASSERT_EQ(::chmod(board_path().c_str(), 0644), 0);
    ASSERT_EQ(::chown(board_path().c_str(), 1, 1), 0);
    EXPECT_EQ(look().error().code, Errc::Denied);
}

// All that lies behind the head, at random: counts are bounded by the slots, texts by their places, half written slots are counted.
TEST_F(HostileBoards, NonsenseStaysInItsBounds) {
    std::mt19937_64 random(6);  // NOLINT(cert-msc51-cpp): the same each time
    for (int i = 0; i < 20; ++i) {
        plant([&](std::string& text) {
            for (auto at = offsetof(protocol::Board, gathering); at + 8 <= text.size(); at += 8) {
                // Now and then an even sequence, now and then an odd one.
                put(text, at, i % 2 == 0 ? random() : std::uint64_t{0x7878787878787878});
            }
        });
        const auto seen = look();
        ASSERT_TRUE(seen) << seen.error().message();
        EXPECT_LE(seen->pools.size(), protocol::board_pools);
        EXPECT_LE(seen->operations.size(), protocol::board_operations);
        EXPECT_LE(seen->volumes.size(), protocol::board_volumes);
        EXPECT_LE(seen->verbs.size(), protocol::board_verbs);
        for (const auto& pool : seen->pools) EXPECT_LE(pool.name.text().size(), sizeof(pool.name));
        for (const auto& volume : seen->volumes) EXPECT_LE(volume.trouble.text().size(), sizeof(volume.trouble));
        EXPECT_GE(seen->unreadable + seen->pools.size() + seen->volumes.size(), i % 2 == 0 ? 1U : protocol::board_pools);
    }
}

TEST_F(HostileBoards, HalfWrittenSlotsOfADeadWriterAreCounted) {
    plant([](std::string& text) { put(text, offsetof(protocol::Board, operations), std::uint64_t{1}); });
    machine_.alive = false;
    const auto seen = look();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->life, board_reader::WriterLife::Dead);
    EXPECT_EQ(seen->unreadable, 1U);
}

TEST_F(HostileBoards, AWriterThatDiedInTheMiddleOfALookIsReadAllTheSame) {
    plant([](std::string& text) { put(text, offsetof(protocol::Board, gathering), std::uint64_t{7}); });
    machine_.alive = false;
    const auto seen = look();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->unreadable, 0U);
}

}  // namespace
}  // namespace varve::board_test
