// SPDX-License-Identifier: LGPL-2.1-or-later
// snapshot, unpin, revert and resize.
#include "tests/mount/cli/cli_test.h"

namespace varve::test_support {
namespace {

using CliStatesTest = CliTest;

TEST_F(CliStatesTest, SnapshotKeepsThePresentStateUnderALabel) {
    EXPECT_EQ(must_varve({"snapshot", data_name(), "before-upgrade"}), data_name() + "@before-upgrade\n");
    EXPECT_EQ(must_varve({"snapshot", data().string() + "@again"}), data_name() + "@again\n");
    const auto third = json_of({"snapshot", data_name(), "third"});
    EXPECT_EQ(third.at("/volume"), data_name());
    EXPECT_EQ(third.at("/revision"), "third");
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    for (const std::string label : {"before-upgrade", "again", "third"}) EXPECT_EQ(read_file(at("data.img@" + label)), old_content_);
}

TEST_F(CliStatesTest, ALabelIsTakenOnce) {
    must_varve({"snapshot", data_name(), "kept"});
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    expect_refused_with(Exit::failed, {"snapshot", data_name(), "kept"}, {data_name() + "@kept exists already", "another label"});
    EXPECT_EQ(read_file(at("data.img@kept")), old_content_);
}

TEST_F(CliStatesTest, UnpinnedItIsARevisionAsAnyOther) {
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    must_varve({"pin", data_name() + "@" + first_name, "kept"});
    EXPECT_EQ(must_varve({"unpin", data_name() + "@kept"}), data_name() + "@" + first_name + "\n");
    EXPECT_EQ(names(), (Names{"data.img", std::string("data.img@") + first_name}));
    EXPECT_EQ(read_file(data_old()), old_content_);
    EXPECT_EQ(stat_of(data_old()).st_mtime, first_time);
    EXPECT_EQ(json_of({"revisions", data_name()}).at("/volumes/0/revisions/0/pinned"), "false");
    must_varve({"retention", data_name(), "--keep", "0"});
    EXPECT_EQ(must_varve({"prune", data_name()}), data_name() + "@" + first_name + "  removed\n") << "nothing keeps it any more";
}

// The label of a present state has that state's time, and so may others.
TEST_F(CliStatesTest, UnpinnedInASecondThatHasRevisions) {
    must_varve({"snapshot", data_name(), "one"});
    must_varve({"snapshot", data_name(), "two"});
    EXPECT_EQ(must_varve({"unpin", data_name() + "@one"}), data_name() + "@" + first_name + "\n");
    const auto second = json_of({"unpin", data_name() + "@two"});
    EXPECT_EQ(second.at("/volume"), data_name());
    EXPECT_EQ(second.at("/revision"), std::string(first_name) + ".1");
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    EXPECT_EQ(names().size(), 4U) << "the state before is a third one of that second";
    for (const auto& name : names()) EXPECT_EQ(read_file(at(name)), name == "data.img" ? new_content_ : old_content_) << name;
}

TEST_F(CliStatesTest, WhatCannotBeUnpinned) {
    must_varve({"snapshot", data_name(), "kept"});
    must_varve({"create", vm_name() + "/child", "--source", data_name() + "@kept"});
    expect_refused_with(Exit::busy, {"unpin", data_name() + "@kept"}, {"it is the source of", "child"});
    expect_refused_with(Exit::not_found, {"unpin", data_name() + "@none"}, {"@none does not exist", "varve revisions " + data_name()});
    expect_refused_with(Exit::usage, {"unpin", data_name()}, {"names no label"});
    expect_refused_with(Exit::usage, {"unpin", data_name() + "@" + first_name}, {"is a time, not a label"});
    expect_refused_with(Exit::usage, {"unpin", vm_name()}, {"does not name a volume"});
}

TEST_F(CliStatesTest, SnapshotsThatCannotBe) {
    expect_refused_with(Exit::not_found, {"snapshot", vm_name() + "/none", "x"}, {"none does not exist"});
    expect_refused_with(Exit::usage, {"snapshot", data_name()}, {"name one label", "varve snapshot"});
    expect_refused_with(Exit::usage, {"snapshot", data_name(), first_name}, {"begins like a time"});
    expect_refused_with(Exit::usage, {"snapshot", data_name() + "@" + first_name}, {"is a time", "label such as"});
    expect_refused_with(Exit::usage, {"snapshot", vm_name(), "x"}, {"does not name a volume"});
}

TEST_F(CliStatesTest, RevertToALabel) {
    must_varve({"snapshot", data_name(), "kept"});
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    EXPECT_EQ(must_varve({"revert", data_name(), "kept"}), data_name() + "  reverted to kept\n");
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_EQ(read_file(at("data.img@kept")), old_content_) << "a label stays where it is";
    EXPECT_EQ(read_file(revision("data", second_time)), new_content_) << "the present state is kept";
}

TEST_F(CliStatesTest, RevertToTheNewestRevisionAsListed) {
    for (const char mark : {'b', 'c', 'd'}) ASSERT_EQ(make_state(data(), pattern(mark, volume_size), second_time + mark), ok);
    const auto listed = json_of({"ls", data_name()});
    const auto newest = listed.at("/volumes/0/revisions/2/revision");
    ASSERT_EQ(listed.at("/volumes/0/revisions/3"), "") << listed.text;
    EXPECT_EQ(json_of({"revert", data_name() + "@" + newest}).at("/results/0/command"), "revert");
    EXPECT_EQ(read_file(data()), pattern('c', volume_size));
    EXPECT_EQ(read_file(revision("data", second_time + 'd')), pattern('d', volume_size));
}

TEST_F(CliStatesTest, RevertsThatCannotBe) {
    expect_refused_with(Exit::not_found, {"revert", data_name(), "none"}, {"no revision none"});
    expect_refused_with(Exit::not_found, {"revert", data_name() + "@" + first_name}, {"no revision"});
    expect_refused_with(Exit::not_found, {"revert", vm_name() + "/none", "x"}, {"none does not exist"});
    expect_refused_with(Exit::usage, {"revert", data_name()}, {"name one revision"});
    expect_refused_with(Exit::usage, {"revert", data_name() + "@a", "b"}, {"name one revision"});
    expect_refused_with(Exit::usage, {"revert", vm_name(), "a"}, {"does not name a volume"});
}

TEST_F(CliStatesTest, ResizeGrows) {
    EXPECT_EQ(must_varve({"resize", data_name(), "1M"}), data_name() + "  1.0 MiB\n");
    EXPECT_EQ(stat_of(data()).st_size, 1 << 20);
    EXPECT_EQ(must_varve({"--bytes", "resize", data_name(), "+512K"}), data_name() + "  1572864\n");
    EXPECT_EQ(stat_of(data()).st_size, 1572864);
    EXPECT_EQ(json_of({"resize", data_name(), "2MiB"}).at("/results/0/ok"), "true");
    EXPECT_EQ(stat_of(data()).st_size, 2 << 20);
    EXPECT_EQ(read_file(data()).substr(0, volume_size), old_content_);
}

TEST_F(CliStatesTest, ResizeOfWhatRunsIsSeenByTheGuest) {
    must_varve({"start", data_name()});
    must_varve({"resize", data_name(), "1M"});
    EXPECT_EQ(stat_of(link_target_of(control("data", "device"))).st_size, 1 << 20);
    must_varve({"discard", data_name()});
}

TEST_F(CliStatesTest, ResizesThatCannotBe) {
    expect_refused_with(Exit::failed, {"resize", data_name(), "32K"}, {"can only grow", "to shrink it"});
    expect_refused_with(Exit::failed, {"resize", data_name(), "0"}, {"can only grow"});
    expect_refused_with(Exit::failed, {"resize", data_name(), "+100"}, {"multiple of 512"});
    expect_refused_with(Exit::failed, {"resize", data_name(), "9E"}, {"cannot be larger than"});
    expect_refused_with(Exit::not_found, {"resize", vm_name() + "/none", "1M"}, {"none does not exist"});
    expect_refused_with(Exit::not_found, {"resize", vm_name() + "/none", "+1M"}, {"none does not exist"});
    for (const std::string size : {"", "x", "-1", "+", "1 M", "1e9", "99999999999999999999"})
        expect_refused_with(Exit::usage, {"resize", data_name(), "--", size}, {});
    EXPECT_EQ(value("data", "size"), std::to_string(volume_size));
}

}  // namespace
}  // namespace varve::test_support
