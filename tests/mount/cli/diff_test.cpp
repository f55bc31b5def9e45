// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/mount/cli/cli_test.h"

#include <fcntl.h>

namespace varve::test_support {
namespace {

class CliDiffTest : public CliTest {};

TEST_F(CliDiffTest, AVolumeAndItsNewestRevision) {
    expect_refused_with(Exit::not_found, {"diff", data_name()}, {"has no revision"});
    auto changed = old_content_;
    changed[1000] = '!';
    changed[40000] = '!';
    ASSERT_EQ(make_state(data(), changed, second_time), ok);
    const std::string table = "OFFSET   LENGTH\n   512      512\n 39936      512\n total  1.0 KiB\n";
    EXPECT_EQ(must_varve({"diff", data_name()}), table);
    EXPECT_EQ(must_varve({"diff", data_name() + "@" + first_name}), table);
    EXPECT_EQ(must_varve({"diff", data().string(), data_old().string()}), table);
    const auto found = json_of({"diff", "--block", "4K", data_name()});
    EXPECT_EQ(found.at("/from"), data_name() + "@" + first_name) << found.text;
    EXPECT_EQ(found.at("/to"), data_name());
    EXPECT_EQ(found.at("/extents/1/offset"), "36864");
    EXPECT_EQ(found.at("/extents/1/length"), "4096");
    EXPECT_EQ(found.at("/changed"), "8192");
}

// What the pool shares is not read: a change in the middle of much that is the same.
TEST_F(CliDiffTest, OnlyWhatIsNotSharedIsCompared) {
    constexpr std::size_t size = std::size_t{16} << 20;
    const auto content = pattern('s', size);
    ASSERT_EQ(make_state(at("big.img"), content, first_time), ok);
    ASSERT_EQ(link_file(at("big.img"), at("big.img@kept")), ok);
    const auto extents = [&] { return command("big", "compare kept current"); };
    EXPECT_EQ(extents().at("/result/extents"), "[]") << extents().text;
    OpenFile file(at("big.img"), O_RDWR);
    ASSERT_EQ(file.write_at(size / 2 + 1000, "changed"), ok);
    ASSERT_EQ(file.close(), ok);
    const auto found = extents();
    EXPECT_EQ(found.at("/result/extents/1"), "") << found.text;
    EXPECT_LE(std::stoull(found.at("/result/extents/0/length")), 128U << 10) << found.text;
    const auto name = vm_name() + "/big";
    EXPECT_EQ(must_varve({"diff", name + "@kept"}), " OFFSET  LENGTH\n8389120     512\n  total   512 B\n") << found.text;
}

TEST_F(CliDiffTest, AnotherSize) {
    ASSERT_EQ(link_file(data(), at("data.img@kept")), ok);
    must_varve({"resize", data_name(), "4E"});
    EXPECT_EQ(json_of({"diff", data_name() + "@kept"}).at("/changed"), "0");
    EXPECT_TRUE(has(must_varve({"diff", data_name() + "@kept"}), data_name() + " 4.0 EiB"));
    EXPECT_EQ(remove_file(data()), ok);
}

TEST_F(CliDiffTest, WhatCannotBeCompared) {
    expect_refused_with(Exit::not_found, {"diff", data_name() + "@none"}, {"@none does not exist"});
    expect_refused_with(Exit::not_found, {"diff", vm_name() + "/none"}, {"none"});
    expect_refused_with(Exit::usage, {"diff", data_name(), data_name()}, {"with another state"});
    expect_refused_with(Exit::usage, {"diff", data_name() + "@a", vm_name() + "/b"}, {"of one volume"});
    expect_refused_with(Exit::usage, {"diff", vm_name()}, {"does not name a volume"});
    expect_refused_with(Exit::usage, {"diff", "--block", "many", data_name()}, {"many"});
    ASSERT_EQ(link_file(data(), at("data.img@kept")), ok);
    expect_refused_with(Exit::failed, {"diff", "--block", "1000", data_name() + "@kept"}, {"a power of two"});
}

}  // namespace
}  // namespace varve::test_support
