// SPDX-License-Identifier: LGPL-2.1-or-later
// clone, and what is left of an interrupted one.
#include "tests/mount/cli/cli_test.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>

namespace varve::test_support {
namespace {

class CliCloneTest : public CliTest {
protected:
    // A volume whose copy into another pool takes many small steps.
    void make_slow_volume() const {
        OpenFile file(at("slow.img"), O_CREAT | O_WRONLY);
        ASSERT_EQ(file.opened(), ok);
        constexpr off_t step = 128 << 10;
        constexpr off_t size = off_t{1} << 30;
        ASSERT_EQ(file.truncate(size), ok);
        for (off_t place = 0; place < size; place += step) ASSERT_EQ(file.write_at(place, "x"), ok);
        ASSERT_EQ(file.close(), ok);
    }

    [[nodiscard]] bool names_begin_with(const Path& directory, const std::string& start) const {
        return std::ranges::any_of(list_directory(directory), [&](const std::string& name) { return name.starts_with(start); });
    }
};

TEST_F(CliCloneTest, AVolumeInItsPool) {
    const auto to = another_vm();
    EXPECT_EQ(must_varve({"clone", data_name(), "fast/" + to + "/copy"}), "fast/" + to + "/copy\n");
    EXPECT_EQ(read_file(pool() / to / "copy.img"), old_content_);
    const auto named = json_of({"clone", data_name(), "fast/" + to});
    EXPECT_EQ(named.at("/volumes/0"), "fast/" + to + "/data") << named.text;
    EXPECT_EQ(named.at("/source"), data_name());
    EXPECT_EQ(list_directory(pool() / to), (Names{"copy.img", "data.img"}));
    EXPECT_EQ(read_file(data()), old_content_);
}

TEST_F(CliCloneTest, ARevisionInAnotherPool) {
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    const auto to = another_vm("other");
    must_varve({"clone", data_name() + "@" + first_name, "other/" + to + "/old"});
    EXPECT_EQ(read_file(pool("other") / to / "old.img"), old_content_);
}

TEST_F(CliCloneTest, HolesTakeNoTime) {
    must_varve({"resize", data_name(), "4E"});
    const auto to = another_vm("other");
    must_varve({"clone", data_name(), vm_name() + "/huge"});
    must_varve({"clone", data_name(), "other/" + to + "/huge"});
    for (const auto& copy : {at("huge.img"), pool("other") / to / "huge.img"}) {
        EXPECT_EQ(stat_of(copy).st_size, off_t{4} << 60);
        EXPECT_EQ(OpenFile(copy, O_RDONLY).read_at(0, volume_size), old_content_);
        EXPECT_LT(stat_of(copy).st_blocks, 4096);
        EXPECT_EQ(remove_file(copy), ok);
    }
    EXPECT_EQ(remove_file(data()), ok);
}

TEST_F(CliCloneTest, AnExistingVolumeIsReplacedOnlyByForce) {
    ASSERT_EQ(make_state(at("target.img"), new_content_, second_time), ok);
    expect_refused_with(Exit::failed, {"clone", data_name(), vm_name() + "/target"}, {vm_name() + "/target exists already"});
    must_varve({"clone", "--force", data_name(), vm_name() + "/target"});
    EXPECT_EQ(read_file(at("target.img")), old_content_);
    EXPECT_EQ(read_file(revision("target", second_time)), new_content_) << "the state before is a revision";
}

TEST_F(CliCloneTest, AWholeVmWithKindsSourcesAndSettings) {
    ASSERT_EQ(link_file(data(), at("data.img@kept")), ok);
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", at("root.img")), ok);
    ASSERT_EQ(set_value(control("data", "revisions_to_keep"), "9\n"), ok);
    ASSERT_EQ(vm_command("create swap volatile 1M").error, ok);
    const auto to = stage().fresh_name();
    EXPECT_EQ(must_varve({"clone", vm_name(), "fast/" + to}), "fast/" + to + "\n");
    const auto made = pool() / to;
    EXPECT_EQ(list_directory(made), (Names{"data.img", "root.img", "swap.img"})) << "no revisions";
    EXPECT_EQ(read_file(made / "data.img"), old_content_);
    EXPECT_EQ(link_target_of(made / "root.img"), link_target_of(at("root.img")));
    const auto setting = [&](const char* volume, const char* file) { return control_value(made / ".varve" / volume / file); };
    EXPECT_EQ(setting("data", "revisions_to_keep"), "9");
    EXPECT_EQ(setting("root", "kind"), "snapshot");
    EXPECT_EQ(setting("swap", "kind"), "volatile");
    EXPECT_EQ(setting("swap", "size"), "1048576");
    expect_refused_with(Exit::failed, {"clone", vm_name(), "fast/" + to}, {"fast/" + to + " exists already"});
    expect_refused_with(Exit::failed, {"clone", vm_name(), "other/" + to}, {"cannot be cloned into the pool other", "root"});
}

TEST_F(CliCloneTest, ClonesThatCannotBe) {
    expect_refused_with(Exit::not_found, {"clone", vm_name() + "/none", vm_name() + "/x"}, {"none does not exist"});
    expect_refused_with(Exit::not_found, {"clone", data_name() + "@none", vm_name() + "/x"}, {"@none does not exist"});
    expect_refused_with(Exit::not_found, {"clone", data_name(), "fast/absent/x"}, {"fast/absent does not exist", "mkdir"});
    expect_refused_with(Exit::not_found, {"clone", "fast/absent", "fast/new"}, {"fast/absent does not exist"});
    expect_refused_with(Exit::usage, {"clone", data_name(), vm_name()}, {"onto itself"});
    expect_refused_with(Exit::usage, {"clone", vm_name(), vm_name() + "/x"}, {"a VM to a new VM"});
    expect_refused_with(Exit::usage, {"clone", "-f", vm_name(), "fast/new"}, {"never a VM"});
}

TEST_F(CliCloneTest, WhatAProgramWritesIsNotReplaced) {
    ASSERT_EQ(make_state(at("target.img"), new_content_, second_time), ok);
    OpenFile writer(at("target.img"), O_RDWR);
    ASSERT_EQ(writer.opened(), ok);
    const auto refused = varve({"clone", "-f", data_name(), vm_name() + "/target"});
    EXPECT_EQ(refused.exit_status, Exit::busy) << refused.describe();
    EXPECT_TRUE(has(refused.errors, "open for writing by process")) << refused.errors;
    ASSERT_EQ(writer.close(), ok);
    EXPECT_EQ(names(), (Names{"data.img", "target.img"}));
    EXPECT_EQ(read_file(at("target.img")), new_content_);
}

TEST_F(CliCloneTest, AnInterruptedCopyLeavesNothing) {
    ASSERT_NO_FATAL_FAILURE(make_slow_volume());
    const auto to = another_vm("other");
    const auto place = pool("other") / to;
    const auto stored = stage().backing() / "other" / "appvms" / to;
    const auto files = [&] { return present(stored) ? list_directory(stored) : Names{}; };
    const auto before = files();
    for (const int signal : {SIGINT, SIGTERM}) {
        EXPECT_EQ(interrupt({"clone", vm_name() + "/slow", "other/" + to + "/copy"}, signal, [&] { return files() != before; }),
                  Exit::interrupted);
        EXPECT_EQ(list_directory(place), Names{});
        EXPECT_TRUE(eventually([&] { return files() == before; })) << files().back();
    }
    EXPECT_EQ(value("slow", "state"), "halted");
}

TEST_F(CliCloneTest, AnInterruptedVmCloneLeavesNothing) {
    ASSERT_NO_FATAL_FAILURE(make_slow_volume());
    const auto to = stage().fresh_name();
    const auto before = list_directory(pool("other"));
    EXPECT_EQ(interrupt({"clone", vm_name(), "other/" + to}, SIGINT, [&] { return names_begin_with(pool("other"), "varve-clone-"); }),
              Exit::interrupted);
    EXPECT_EQ(list_directory(pool("other")), before) << read_file(mount() / ".varve" / "errors");
}

}  // namespace
}  // namespace varve::test_support
