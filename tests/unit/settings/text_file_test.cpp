// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/text_file.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace varve::settings {
namespace {

class TextFile : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "varve-text-file-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        top_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(top_); }

    std::filesystem::path top_;
};

TEST_F(TextFile, ADirectoryIsMadeWithAllAboveIt) {
    for (int times = 0; times < 2; ++times) {
        EXPECT_TRUE(make_directory(top_ / "a/b"));
        EXPECT_TRUE(std::filesystem::is_directory(top_ / "a/b"));
    }
    ASSERT_TRUE(write_text(top_ / "file", "x"));
    const auto below_a_file = make_directory(top_ / "file/c");
    ASSERT_FALSE(below_a_file);
    EXPECT_NE(below_a_file.error().message().find("cannot make " + (top_ / "file/c").string()), std::string::npos);
}

TEST_F(TextFile, FilesAreListedByTheirEndsInOrder) {
    for (const auto* name : {"b.toml", "a.toml", ".hidden.toml", ".toml", "c.json", "d.toml~"}) ASSERT_TRUE(write_text(top_ / name, "x"));
    EXPECT_EQ(files_in(top_, ".toml").value(), (std::vector{top_ / "a.toml", top_ / "b.toml"}));
    EXPECT_EQ(files_in(top_, ".none").value(), std::vector<std::filesystem::path>());
    EXPECT_EQ(files_in(top_ / "missing", ".toml").error().code, base::Errc::NotFound);
}

}  // namespace
}  // namespace varve::settings
