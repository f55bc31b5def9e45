// SPDX-License-Identifier: LGPL-2.1-or-later
// create, rm, pin, prune and verify.
#include "tests/mount/cli/cli_test.h"

#include <algorithm>
#include <fstream>

namespace varve::test_support {
namespace {

using CliMakingTest = CliTest;

TEST_F(CliMakingTest, CreateMakesEveryKind) {
    EXPECT_EQ(must_varve({"create", vm_name() + "/origin", "1M"}), vm_name() + "/origin\n");
    must_varve({"create", vm_name() + "/scratch", "2M", "--kind", "volatile"});
    must_varve({"create", vm_name() + "/root", "--source", data_name()});
    must_varve({"create", vm_name() + "/both", "--source", data_name(), "--kind", "origin_snapshot"});
    for (const auto& [volume, kind] : std::map<std::string, std::string>{{"origin", "origin"},
                                                                         {"scratch", "volatile"},
                                                                         {"root", "snapshot"},
                                                                         {"both", "origin_snapshot"}})
        EXPECT_EQ(value(volume, "kind"), kind) << volume;
    EXPECT_EQ(value("origin", "size"), "1048576");
    EXPECT_EQ(value("scratch", "size"), "2097152");
    EXPECT_EQ(value("root", "source"), "../" + vm() + "/data.img");
    EXPECT_EQ(json_of({"create", vm_name() + "/more", "1M"}).at("/kind"), "origin");
}

TEST_F(CliMakingTest, CreateGivesSettings) {
    must_varve({"create", vm_name() + "/kept", "1M", "--read-only", "--revisions-to-keep", "7"});
    EXPECT_EQ(value("kept", "rw"), "0");
    EXPECT_EQ(value("kept", "revisions_to_keep"), "7");
}

TEST_F(CliMakingTest, ARefusedSettingLeavesNoVolume) {
    expect_refused_with(Exit::failed, {"create", vm_name() + "/kept", "1M", "--revisions-to-keep", "-2"}, {"revisions_to_keep"});
    expect_refused_with(Exit::failed, {"create", vm_name() + "/kept", "1M", "--revisions-to-keep", "many"}, {"many"});
}

TEST_F(CliMakingTest, CreateMakesAVmWhenAsked) {
    const auto other = vm_name() + "-other";
    expect_refused_with(Exit::not_found, {"create", other + "/data", "1M"}, {vm() + "-other"});
    must_varve({"create", "-p", other + "/data", "1M"});
    must_varve({"create", "-p", other + "/more", "1M"});
    expect_refused_with(Exit::failed, {"create", other}, {"exists"});
    must_varve({"create", "-p", other});
    must_varve({"rm", "-r", other});
    EXPECT_EQ(must_varve({"create", other}), other + "\n");
    must_varve({"rm", other});
}

TEST_F(CliMakingTest, ARefusedCreateLeavesNoVm) {
    const auto other = vm_name() + "-other";
    expect_refused_with(Exit::failed, {"create", "-p", other + "/data", "513"}, {"512"});
    expect_refused_with(Exit::failed, {"create", "-p", other + "/data", "1M", "--revisions-to-keep", "-2"}, {"revisions_to_keep"});
    EXPECT_FALSE(present(pool() / (vm() + "-other")));
    expect_refused_with(Exit::failed, {"create", "-p", vm_name() + "/x", "513"}, {"512"});
    EXPECT_TRUE(present(vm_path())) << "which was there before";
}

TEST_F(CliMakingTest, AVolumeIsMadeWithItsSettingsInOneStep) {
    const auto events = mount() / ".varve" / "events";
    const auto before = read_file(events).size();
    must_varve({"create", vm_name() + "/plain", "1M", "--read-only", "--revisions-to-keep", "7"});
    const auto lines = read_file(events).substr(before);
    EXPECT_EQ(std::ranges::count(lines, '\n'), 1) << lines;
    EXPECT_TRUE(has(lines, "\"operation\":\"create\"")) << lines;
    EXPECT_EQ(value("plain", "rw"), "0");
    EXPECT_EQ(value("plain", "revisions_to_keep"), "7");
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(value("plain", "rw"), "0") << "as the pool has it";
}

TEST_F(CliMakingTest, CreatesThatCannotBe) {
    expect_refused_with(Exit::failed, {"create", data_name(), "1M"}, {"exists"});
    expect_refused_with(Exit::failed, {"create", vm_name() + "/x", "513"}, {"512"});
    expect_refused_with(Exit::not_found, {"create", vm_name() + "/x", "--source", vm_name() + "/none"}, {"none"});
}

TEST_F(CliMakingTest, PartitionDividesAStartedVolatileVolume) {
    const auto volume = vm_name() + "/volatile";
    must_varve({"create", volume, "64M", "--kind", "volatile"});
    expect_refused_with(Exit::not_found, {"partition", volume, "--swap", "8M"}, {"not started"});
    must_varve({"start", volume});
    expect_refused_with(Exit::failed, {"partition", volume, "--swap", "64M"}, {"no room"});
    const auto made = json_of({"partition", volume, "--swap", "8M"});
    EXPECT_EQ(made.at("/partitions/0/use"), "changes");
    EXPECT_EQ(made.at("/partitions/1/size"), "8388608");
    EXPECT_EQ(must_varve({"partition", volume, "--swap", "8M"}), volume + "  1: changes 55.0 MiB, 2: swap 8.0 MiB\n");
    expect_refused_with(Exit::failed, {"partition", volume, "--swap", "16M"}, {"content already"});
    must_varve({"stop", volume});
    must_varve({"rm", volume});
}

TEST_F(CliMakingTest, OnlyVolatileVolumesArePartitioned) {
    must_varve({"start", data_name()});
    expect_refused_with(Exit::failed, {"partition", data_name(), "--swap", "8M"}, {"only volatile volumes"});
    must_varve({"stop", data_name()});
    EXPECT_EQ(read_file(data()), old_content_);
    expect_refused_with(Exit::usage, {"partition", data_name(), "--swap", "much"}, {"much"});
}

TEST_F(CliMakingTest, ARemovedVolumeKeepsItsRevisions) {
    must_varve({"snapshot", data_name(), "kept"});
    EXPECT_EQ(must_varve({"rm", data_name()}), data_name() + "  removed\n");
    EXPECT_EQ(value("data", "state"), "removed");
    must_varve({"revert", data_name(), "kept"});
    EXPECT_EQ(read_file(data()), old_content_);
}

TEST_F(CliMakingTest, RmTakesARevisionOrEverything) {
    must_varve({"snapshot", data_name(), "one"});
    must_varve({"snapshot", data_name(), "two"});
    must_varve({"rm", data_name() + "@one"});
    EXPECT_EQ(names(), (Names{"data.img", "data.img@two"}));
    const auto removed = json_of({"rm", "-r", data_name()});
    EXPECT_EQ(removed.at("/removed/0"), data_name());
    EXPECT_EQ(removed.at("/removed/1"), data_name() + "@two");
    EXPECT_EQ(names(), Names{});
}

TEST_F(CliMakingTest, RmRefusesWhatIsUsed) {
    must_varve({"start", data_name()});
    expect_refused_with(Exit::busy, {"rm", "-r", data_name()}, {"cannot be removed while its VM runs"});
    expect_refused_with(Exit::busy, {"rm", "-r", vm_name()}, {"cannot be removed while its VM runs"});
    must_varve({"discard", data_name()});
    must_varve({"create", vm_name() + "/root", "--source", data_name()});
    expect_refused_with(Exit::busy, {"rm", data_name()}, {"is the source of"});
    expect_refused_with(Exit::failed, {"rm", vm_name()}, {"has volumes", "varve rm -r"});
    expect_refused_with(Exit::not_found, {"rm", data_name() + "@none"}, {"@none does not exist"});
    expect_refused_with(Exit::not_found, {"rm", "-r", vm_name() + "/none"}, {"none"});
}

TEST_F(CliMakingTest, PinGivesALabel) {
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    EXPECT_EQ(must_varve({"pin", data_name() + "@" + first_name, "golden"}), data_name() + "@golden\n");
    must_varve({"pin", data_name() + "@golden", "better"});
    EXPECT_EQ(names(), (Names{"data.img", "data.img@better"}));
    EXPECT_EQ(read_file(at("data.img@better")), old_content_);
    must_varve({"snapshot", data_name(), "taken"});
    expect_refused_with(Exit::failed, {"pin", data_name() + "@better", "taken"}, {"@taken exists already"});
    expect_refused_with(Exit::not_found, {"pin", data_name() + "@none", "x"}, {"@none does not exist"});
}

TEST_F(CliMakingTest, PruneTakesWhatNeedNotBeKept) {
    ASSERT_EQ(control_value(control("data", "revisions_to_keep")), "1");
    EXPECT_EQ(must_varve({"prune", data_name()}), data_name() + "  nothing to remove\n");
    for (const char mark : {'b', 'c'}) {
        must_varve({"start", data_name()});
        guest_write("data", 0, std::string(512, mark));
        must_varve({"stop", data_name()});
    }
    must_varve({"pin", data_name() + "@" + json_of({"ls", data_name()}).at("/volumes/0/revisions/0/revision"), "kept"});
    EXPECT_EQ(must_varve({"prune", vm_name()}), data_name() + "  nothing to remove\n");
    ASSERT_EQ(write_file(control("data", "revisions_to_keep"), "0"), ok);
    must_varve({"start", data_name()});
    must_varve({"discard", data_name()});
    const auto pruned = json_of({"prune", vm_name()});
    EXPECT_EQ(pruned.at("/results/0/command"), "prune");
    EXPECT_TRUE(has(must_varve({"prune", "fast"}), data_name() + "  nothing to remove\n"));
    EXPECT_EQ(names(), (Names{"data.img", "data.img@kept"}));
}

TEST_F(CliMakingTest, AScheduleIsPreviewedAndObeyed) {
    for (const char mark : {'b', 'c', 'd'}) {
        must_varve({"start", data_name()});
        guest_write("data", 0, std::string(512, mark));
        must_varve({"stop", data_name()});
        must_varve({"retention", data_name(), "--keep", "9", "--schedule", "1y"});
    }
    const auto before = names();
    EXPECT_EQ(must_varve({"prune", "--dry-run", data_name()}), data_name() + "  nothing to remove\n");
    const auto previewed = json_of({"retention", "--dry-run", data_name(), "--keep", "0"});
    EXPECT_EQ(previewed.at("/volumes/0/revisions_to_keep"), "0");
    EXPECT_EQ(previewed.at("/volumes/0/revisions/0/kept"), "[]") << previewed.text;
    EXPECT_EQ(value("data", "revisions_to_keep"), "9") << "a dry run";
    EXPECT_TRUE(has(must_varve({"retention", "-n", "fast", "--keep", "0"}), "Revisions to keep:  0\n"));
    EXPECT_EQ(json_of({"retention", "fast"}).at("/revisions_to_keep"), "1");
    must_varve({"retention", data_name(), "--keep", "0"});
    const auto foretold = json_of({"prune", "--dry-run", data_name()}).at("/results/0/would_remove");
    EXPECT_EQ(names(), before) << "a dry run";
    EXPECT_EQ(json_of({"retention", data_name()}).at("/volumes/0/schedule"), "1y");
    EXPECT_EQ(json_of({"prune", data_name()}).at("/results/0/result/removed"), foretold);
    EXPECT_EQ(names().size(), 2U) << "the committed state, and the newest of the year's";
    EXPECT_EQ(json_of({"retention", data_name()}).at("/volumes/0/revisions/0/kept/0"), "year");
}

TEST_F(CliMakingTest, ARefusedRetentionIsNotHalfMade) {
    must_varve({"retention", data_name(), "--keep", "9", "--schedule", "1y"});
    must_varve({"start", data_name()});
    expect_refused_with(Exit::busy, {"retention", data_name(), "--schedule", "none", "--keep", "-1"}, {"snapshot layer"});
    expect_refused_with(Exit::failed, {"retention", data_name(), "--schedule", "often", "--keep", "0"}, {"no schedule"});
    expect_refused_with(Exit::usage, {"retention", data_name(), "--schedule", "none", "--keep", "-2"}, {"-1"});
    EXPECT_EQ(value("data", "schedule"), "1y");
    EXPECT_EQ(value("data", "revisions_to_keep"), "9");
    must_varve({"create", vm_name() + "/halted", "1M"});
    const auto ran = varve({"--json", "retention", vm_name(), "--keep", "-1"});
    EXPECT_EQ(ran.exit_status, Exit::busy) << ran.describe();
    EXPECT_TRUE(has(ran.errors, data_name())) << ran.errors;
    const Reply shown{ok, ran.output};
    EXPECT_EQ(shown.at("/volumes/0/volume"), vm_name() + "/halted") << "the one that could be changed, and nothing else: " << ran.output;
    EXPECT_EQ(shown.at("/volumes/0/revisions_to_keep"), "-1");
    EXPECT_EQ(value("data", "revisions_to_keep"), "9");
    must_varve({"discard", data_name()});
}

TEST_F(CliMakingTest, ARefusedRetentionOfAPoolIsNotHalfMade) {
    const auto before = must_varve({"retention", "other"});
    expect_refused_with(Exit::failed, {"retention", "other", "--keep", "0", "--schedule", "often"}, {"no schedule"});
    expect_refused_with(Exit::failed, {"retention", "other", "--keep", "-1", "--schedule", "7d"}, {"snapshot layer"});
    EXPECT_EQ(must_varve({"retention", "other"}), before);
}

TEST_F(CliMakingTest, UsageTellsWhatOnlyOneStateHolds) {
    const auto whole = json_of({"usage", data_name()});
    EXPECT_EQ(whole.at("/total/exclusive"), whole.at("/total/usage"));
    must_varve({"snapshot", data_name(), "same"});
    EXPECT_EQ(json_of({"usage", data_name()}).at("/total/exclusive"), "0") << "two states hold all of it";
    EXPECT_NE(json_of({"usage", data_name()}).at("/total/shared"), "0");
    EXPECT_TRUE(has(must_varve({"usage", "-r", vm_name()}), "@same"));
    EXPECT_TRUE(has(must_varve({"usage", "--vms"}), vm_name() + " "));
}

TEST_F(CliMakingTest, VerifyTellsOfForeignFiles) {
    EXPECT_EQ(must_varve({"verify", data_name(), vm_name()}), data_name() + "  nothing found\n" + vm_name() + "  nothing found\n");
    std::ofstream(backing(vm()) / "notes\x1b[2J.txt") << "hello";
    ASSERT_TRUE(daemon().restart());
    const auto found = varve({"verify", vm_name()});
    EXPECT_EQ(found.exit_status, Exit::failed) << found.describe();
    EXPECT_TRUE(has(found.output, "notes")) << found.output;
    EXPECT_FALSE(has_escapes(found.output));
    EXPECT_EQ(varve({"--quiet", "verify", vm_name()}).output, found.output);
    for (const auto& wider : {Words{"verify", "fast"}, Words{"verify"}}) {
        const auto all = varve(wider);
        EXPECT_EQ(all.exit_status, Exit::failed) << all.describe();
        EXPECT_TRUE(has(all.output, "notes")) << all.output;
    }
    expect_refused_with(Exit::not_found, {"verify", "absent"}, {"the pool absent does not exist"});
    std::filesystem::remove(backing(vm()) / "notes\x1b[2J.txt");
}

TEST_F(CliMakingTest, AVmWhoseVolumesStartFromItsOwn) {
    ASSERT_EQ(link_file(data(), at("data.img@kept")), ok);
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img@kept", at("alpha.img")), ok);
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", at("zulu.img")), ok);
    ASSERT_EQ(symlink_to("../" + vm() + "/zulu.img", at("beta.img")), ok);
    must_varve({"rm", "-r", vm_name()});
    EXPECT_FALSE(present(vm_path()));
}

}  // namespace
}  // namespace varve::test_support
