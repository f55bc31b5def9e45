// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/secret.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace varve::kernel {
namespace {

template <class Value>
concept Printable = requires(std::ostream& out, const Value& value) {
    out << value;
};
static_assert(!Printable<SecretKey> && !Printable<WipedText>);

TEST(SecretKey, RandomKeysDiffer) {
    const auto one = SecretKey::random(64).value();
    const auto other = SecretKey::random(64).value();
    EXPECT_EQ(one.size(), 64U);
    EXPECT_FALSE(one == other);
    auto copy = one;
    EXPECT_TRUE(copy == one);
    copy = other;
    EXPECT_TRUE(copy == other);
    const auto moved = std::move(copy);
    EXPECT_TRUE(moved == other);
}

TEST(SecretKey, HexadecimalBothWays) {
    const auto key = SecretKey::from_hex("00ff7a").value();
    WipedText text("key=");
    key.append_hex_to(text);
    EXPECT_EQ(text.view(), "key=00ff7a");
    for (const std::string bad : {"", "0", "0g", "FF", "00 f"})
        EXPECT_EQ(SecretKey::from_hex(bad).error().code, base::Errc::Corrupt) << bad;
}

TEST(SecretKey, ACopyOfNothingIsNothing) {
    auto key = SecretKey::random(64).value();
    const auto moved = std::move(key);
    const auto copy = key;  // NOLINT(bugprone-use-after-move): it is empty, and stays usable
    EXPECT_EQ(copy.size(), 0U);
    EXPECT_EQ(moved.bytes().size(), 64U);
}

TEST(SecretMemory, BeginsWithZeroes) {
    SecretMemory memory(10'000);
    ASSERT_EQ(memory.size(), 10'000U);
    EXPECT_TRUE(std::all_of(memory.data(), memory.data() + memory.size(), [](unsigned char c) { return c == 0; }));
    memory.data()[9'999] = 7;
    const auto moved = std::move(memory);
    EXPECT_EQ(moved.data()[9'999], 7);
}

TEST(SecretMemory, AChildDoesNotGetIt) {
    SecretMemory memory(64);
    memory.data()[0] = 7;
    const auto child = ::fork();
    if (child == 0) ::_exit(memory.data()[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(memory.data()[0], 7);
}

TEST(WipedText, GrowsAndEndsWithNul) {
    WipedText text;
    EXPECT_STREQ(text.c_str(), "");
    std::string expected;
    for (int i = 0; i < 100; ++i) {
        text.append("some words ");
        expected += "some words ";
    }
    EXPECT_EQ(text.view(), expected);
    EXPECT_STREQ(text.c_str(), expected.c_str());
}

}  // namespace
}  // namespace varve::kernel
