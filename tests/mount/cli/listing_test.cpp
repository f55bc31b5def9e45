// SPDX-License-Identifier: LGPL-2.1-or-later
// ls, info, --help, sizes for people, and where the output goes.
#include "tests/mount/cli/cli_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace varve::test_support {
namespace {

using CliListingTest = CliTest;

TEST_F(CliListingTest, EachLevelListsWhatIsBelow) {
    const auto empty = another_vm();
    const auto elsewhere = another_vm("other");
    const auto all = must_varve({"ls"});
    EXPECT_TRUE(all.starts_with("NAME ")) << all;
    for (const auto& part : {"\n" + data_name() + " ", "\nfast/" + empty + " ", "\nother/" + elsewhere + " "})
        EXPECT_TRUE(has(all, part)) << part << " in\n" << all;
    const auto one_pool = must_varve({"ls", "fast"});
    EXPECT_TRUE(has(one_pool, data_name()) && !has(one_pool, "other/")) << one_pool;
    const auto one_vm = must_varve({"ls", vm_name()});
    EXPECT_TRUE(has(one_vm, data_name()) && !has(one_vm, "fast/" + empty)) << one_vm;
    EXPECT_EQ(must_varve({"ls", vm_path().string()}), one_vm);
    EXPECT_EQ(json_of({"ls", "other/" + elsewhere}).at("/vms/0/vm"), elsewhere);
    EXPECT_EQ(json_of({"ls"}).at("/pools/1"), "other");
}

// The pool's tables tell of all its VMs, also of those that are closed to others: who is not its owner asks for each volume.
TEST_F(CliListingTest, EverybodyIsToldTheSameOfWhatHeMaySee) {
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    const auto closed = another_vm();
    for (const auto time : {first_time, second_time})
        ASSERT_EQ(make_state(pool() / closed / "secret.img", pattern(time == first_time ? 'c' : 'd', volume_size), time), ok);
    for (const std::string table : {"volumes", "revisions", "shares"}) {
        EXPECT_EQ(stat_of(pool() / ".varve" / table).st_mode & 07777U, 0400U) << table;
        EXPECT_TRUE(has(read_file(pool() / ".varve" / table), "\"fast/" + closed + "/secret\"")) << table;
        EXPECT_EQ(as_user(65534, 65534, [&] { return OpenFile(pool() / ".varve" / table, O_RDONLY).opened().number; }), EACCES) << table;
    }
    const std::vector<Words> questions{{"ls", "-r", "fast"},
                                       {"usage", "--revisions", "fast"},
                                       {"--json", "ls", "fast"},
                                       {"--json", "usage", "fast"}};
    for (const auto& question : questions) {
        const auto told = must_varve(question);
        EXPECT_TRUE(has(told, first_name)) << told;
        EXPECT_EQ(as_user(65534, 65534, [&] { return varve(question).output == told ? 0 : 1; }), 0) << question.front() << "\n" << told;
    }
    ASSERT_EQ(::chmod((pool() / closed).c_str(), 0700), 0);
    EXPECT_TRUE(has(must_varve({"ls", "fast"}), "/secret"));
    EXPECT_EQ(as_user(65534, 65534, [&] { return has(varve({"ls", "fast"}).output, "/secret") ? 1 : 0; }), 0);
}

TEST_F(CliListingTest, AVolumeIsListedWithItsRevisions) {
    ASSERT_EQ(link_file(data(), at("data.img@kept")), ok);
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    const auto text = must_varve({"ls", data_name()});
    for (const auto& part : {data_name() + "@kept ", data_name() + "@" + first_name + " ", std::string("pinned"), std::string("64.0 KiB")})
        EXPECT_TRUE(has(text, part)) << part << " in\n" << text;
    EXPECT_FALSE(has(must_varve({"ls", vm_name()}), "@"));
    EXPECT_TRUE(has(must_varve({"ls", "-r", vm_name()}), "@kept"));
    EXPECT_TRUE(has(must_varve({"--bytes", "ls", data_name()}), " 65536 "));
    const auto object = json_of({"ls", data_name()});
    EXPECT_EQ(object.at("/volumes/0/volume"), "data") << object.text;
    EXPECT_EQ(object.at("/volumes/0/kind"), "origin");
    EXPECT_EQ(object.at("/volumes/0/state"), "halted");
    EXPECT_EQ(object.at("/volumes/0/size"), std::to_string(volume_size));
    EXPECT_EQ(object.at("/volumes/0/revisions/0/pinned") + object.at("/volumes/0/revisions/1/pinned"), "truefalse") << object.text;
}

TEST_F(CliListingTest, InfoOfASnapshotThatRuns) {
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", at("root.img")), ok);
    must_varve({"start", vm_name() + "/root"});
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    const auto device = link_target_of(control("root", "device"));
    const auto text = must_varve({"info", vm_name() + "/root"});
    for (const auto& part : {"Volume:             " + vm_name() + "/root\n", std::string("Kind:               snapshot\n"),
                             "Source:             ../" + vm() + "/data.img", std::string("Outdated:           yes\n"),
                             "Device:             " + device + "\n", std::string("started already")})
        EXPECT_TRUE(has(text, part)) << part << " in\n" << text;
    const auto object = json_of({"info", at("root.img").string()});
    EXPECT_EQ(object.at("/device"), device);
    EXPECT_EQ(object.at("/outdated"), "true");
    EXPECT_EQ(object.at("/exclusive"), value("root", "exclusive"));
    EXPECT_EQ(object.at("/revisions_to_keep"), value("root", "revisions_to_keep"));
    EXPECT_TRUE(has(object.at("/blockers/0"), "started")) << object.text;
    must_varve({"discard", vm_name() + "/root"});
    EXPECT_EQ(json_of({"info", vm_name() + "/root"}).at("/device"), "null");
}

TEST_F(CliListingTest, WhatIsNotThereIsNotFound) {
    expect_refused_with(Exit::not_found, {"ls", "absent"}, {"the pool absent does not exist"});
    expect_refused_with(Exit::not_found, {"ls", "fast/absent"}, {"fast/absent does not exist"});
    expect_refused_with(Exit::not_found, {"ls", vm_name() + "/absent"}, {"absent does not exist"});
    expect_refused_with(Exit::not_found, {"info", vm_name() + "/absent"}, {"absent does not exist"});
    expect_refused_with(Exit::not_found, {"info", at("absent.img").string()}, {"absent does not exist"});
    expect_refused_with(Exit::usage, {"info", vm_name()}, {"does not name a volume"});
    expect_refused_with(Exit::usage, {"info", data_old().string()}, {"is one revision; name its volume " + data_name()});
}

TEST_F(CliListingTest, HelpHasAnExampleOfEverySubcommand) {
    for (const Words& words : std::vector<Words>{{"ls"},
                                                 {"info"},
                                                 {"start"},
                                                 {"stop"},
                                                 {"discard"},
                                                 {"snapshot"},
                                                 {"revert"},
                                                 {"resize"},
                                                 {"clone"},
                                                 {"mv"},
                                                 {"pool"},
                                                 {"pool", "add"},
                                                 {"pool", "ls"},
                                                 {"pool", "info"},
                                                 {"pool", "rm"}}) {
        for (const std::string flag : {"--help", "-h"}) {
            auto arguments = words;
            arguments.push_back(flag);
            const auto ran = varve_with({"VARVE_MOUNT", "/nonexistent"}, arguments);
            EXPECT_EQ(ran.exit_status, 0) << ran.describe();
            std::string example = "varve";
            for (const auto& word : words) example += " " + word;
            EXPECT_TRUE(has(ran.output, "Examples:\n  " + example)) << ran.output;
            EXPECT_EQ(ran.errors, "");
        }
    }
    const auto top = varve_with({"VARVE_MOUNT", "/nonexistent"}, {"--help"});
    EXPECT_EQ(top.exit_status, 0);
    EXPECT_TRUE(has(top.output, "Examples:") && has(top.output, "Exit status: 0 done, 1 failed, 2 wrong usage")) << top.output;
}

// ---- standard output that nobody takes

int run_with_output(int output, const Words& arguments, const Path& mountpoint) {
    Words words = arguments;
    words.insert(words.begin(), {VARVE_BINARY, "--mount", mountpoint.string()});
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    if (output < 0 ? ::close(STDOUT_FILENO) != 0 : ::dup2(output, STDOUT_FILENO) < 0) return 126;
    ::execv(VARVE_BINARY, pointers.data());
    return 127;
}

TEST_F(CliListingTest, AReaderWhoHasGoneEndsNothingHalfway) {
    ASSERT_EQ(make_state(at("more.img"), new_content_, second_time), ok);
    must_varve({"start", vm_name()});
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    ASSERT_EQ(::close(ends[0]), 0);
    Child listing([&] { return run_with_output(ends[1], {"ls"}, mount()); });
    EXPECT_EQ(listing.wait(), Exit::failed);
    Child stopping([&] { return run_with_output(ends[1], {"discard", data_name(), vm_name() + "/more"}, mount()); });
    EXPECT_EQ(stopping.wait(), Exit::failed);
    EXPECT_EQ(value("data", "state"), "halted");
    EXPECT_EQ(value("more", "state"), "halted");
    EXPECT_EQ(::close(ends[1]), 0);
}

TEST_F(CliListingTest, OutputThatIsLostIsAFailure) {
    OpenFile full("/dev/full", O_WRONLY);
    ASSERT_EQ(full.opened(), ok);
    Child into_full([&] { return run_with_output(full.fd(), {"ls"}, mount()); });
    EXPECT_EQ(into_full.wait(), Exit::failed);
    Child into_nothing([&] { return run_with_output(-1, {"--json", "ls"}, mount()); });
    EXPECT_EQ(into_nothing.wait(), Exit::failed);
}

}  // namespace
}  // namespace varve::test_support
