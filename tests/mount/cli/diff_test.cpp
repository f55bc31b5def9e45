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
