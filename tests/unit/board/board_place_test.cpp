// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/board/board_directory.h"

#include <set>

namespace varve::board_test {
namespace {

using protocol::board_file_name;

TEST(BoardNames, AreReadableAndDifferent) {
    EXPECT_EQ(board_file_name("/varve"), "varve");
    EXPECT_EQ(board_file_name("/srv/vm store"), "srv-vm\\x20store");
    EXPECT_EQ(board_file_name("/"), "-");
    EXPECT_EQ(board_file_name("/.hidden"), "\\x2ehidden");
    const std::set<std::string> names{board_file_name("/a/b"), board_file_name("/a-b"), board_file_name("/a\\x2db"),
                                      board_file_name("/a/b~")};
    EXPECT_EQ(names.size(), 4U);
}

TEST(BoardNames, OfLongPathsFitInADirectory) {
    const auto one = board_file_name("/" + std::string(3000, 'x'));
    const auto other = board_file_name("/" + std::string(3001, 'x'));
    EXPECT_LE(one.size(), 230U);
    EXPECT_NE(one, other);
    EXPECT_LE(board_file_name("/" + std::string(255, ' ')).size(), 230U);
}

using BoardPlaces = BoardDirectory;

TEST_F(BoardPlaces, AreThoseOfTheRealMountpoint) {
    std::filesystem::create_directory_symlink("mnt", top_ / "link");
    std::filesystem::create_directory_symlink(top_ / "link", top_ / "further");
    for (const auto& path : {top_ / "mnt", top_ / "mnt/", top_ / "x/../mnt/.", top_ / "link", top_ / "further/"}) {
        const auto real = protocol::real_mountpoint(path);
        ASSERT_TRUE(real) << path << ": " << real.error().message();
        EXPECT_EQ(*real, mountpoint()) << path;
    }
    EXPECT_EQ(protocol::real_mountpoint("/").value(), "/");
    EXPECT_EQ(protocol::real_mountpoint(top_ / "not yet there").value(), (top_ / "not yet there").string());
    EXPECT_FALSE(protocol::real_mountpoint(top_ / "nowhere/mnt"));
    std::filesystem::create_directory_symlink("loop", top_ / "loop");
    EXPECT_FALSE(protocol::real_mountpoint(top_ / "loop"));
}

TEST_F(BoardPlaces, WhereOthersMayWriteAreNotTrusted) {
    { const auto file = published(); }
    const auto boards = runtime() / "boards";
    for (const auto& directory : {boards, runtime()}) {
        ASSERT_EQ(::chmod(directory.c_str(), 0777), 0);
        const auto opened = protocol::open_boards(runtime());
        ASSERT_FALSE(opened) << directory;
        EXPECT_EQ(opened.error().code, base::Errc::Denied);
        EXPECT_FALSE(board::BoardFile::make(runtime(), mountpoint(), this_boot, {})) << directory;
        ASSERT_EQ(::chmod(directory.c_str(), 0755), 0);
    }
    EXPECT_TRUE(protocol::open_boards(runtime()));
}

TEST_F(BoardPlaces, ALinkInsteadOfTheBoardsIsNotFollowed) {
    std::filesystem::create_directories(top_ / "elsewhere");
    std::filesystem::create_directories(runtime());
    std::filesystem::create_directory_symlink(top_ / "elsewhere", runtime() / "boards");
    EXPECT_FALSE(protocol::open_boards(runtime()));
    EXPECT_FALSE(board::BoardFile::make(runtime(), mountpoint(), this_boot, {}));
    EXPECT_TRUE(std::filesystem::is_empty(top_ / "elsewhere"));
}

TEST_F(BoardPlaces, OfAnotherUserAreNotTrusted) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    { const auto file = published(); }
    ASSERT_EQ(::chown((runtime() / "boards").c_str(), 1, 1), 0);
    EXPECT_EQ(protocol::open_boards(runtime()).error().code, base::Errc::Denied);
}

}  // namespace
}  // namespace varve::board_test
