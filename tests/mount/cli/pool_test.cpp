// SPDX-License-Identifier: LGPL-2.1-or-later
// pool add, ls, info and rm.
#include "tests/mount/cli/cli_test.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace varve::test_support {
namespace {

// Each test's pool has a name and a directory of its own.
class CliPoolTest : public CliTest {
protected:
    void SetUp() override {
        CliTest::SetUp();
        name_ = "p-" + vm();
        directory_ = (stage().backing() / name_).string();
        std::filesystem::create_directory(directory_);
    }
    void TearDown() override {
        (void)varve({"pool", "rm", name_});  // fails when the test has removed it, as it should
        CliTest::TearDown();
    }

    std::string name_;
    std::string directory_;
};

TEST_F(CliPoolTest, AReflinkPoolKeepsItsConfigurationAndData) {
    EXPECT_EQ(must_varve({"pool", "add", name_, "file-reflink", "dir_path=" + directory_, "revisions_to_keep=7", "mode=0750"}),
              name_ + "  added\n");
    ASSERT_EQ(make_directory(pool(name_) / "a"), ok);
    ASSERT_EQ(make_state(pool(name_) / "a" / "data.img", new_content_, first_time), ok);
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(read_file(pool(name_) / "a" / "data.img"), new_content_);
    const auto info = json_of({"pool", "info", name_});
    EXPECT_EQ(info.at("/pool"), name_) << info.text;
    EXPECT_EQ(info.at("/driver"), "file-reflink");
    EXPECT_EQ(info.at("/config/dir_path"), directory_);
    EXPECT_EQ(info.at("/revisions_to_keep"), "7");
    EXPECT_EQ(info.at("/size"), control_value(pool(name_) / ".varve" / "size"));
    ASSERT_EQ(make_directory(pool(name_) / "b"), ok);
    EXPECT_EQ(stat_of(pool(name_) / "b").st_mode & 07777U, 0750U);
}

TEST_F(CliPoolTest, ASimPoolKeepsItsConfiguration) {
    EXPECT_EQ(json_of({"pool", "add", name_, "sim", "size=64M", "revisions_to_keep=3"}).at("/results/0/ok"), "true");
    ASSERT_TRUE(daemon().restart());
    const auto text = must_varve({"pool", "info", name_});
    for (const auto& part : {name_, std::string("sim"), std::string("64.0 MiB")}) EXPECT_TRUE(has(text, part)) << text;
    EXPECT_TRUE(has(text, "Revisions to keep:  3\n")) << text;
    EXPECT_EQ(json_of({"pool", "info", name_}).at("/size"), std::to_string(64 << 20));
}

TEST_F(CliPoolTest, ADotDirectoryIsTheCallersOwn) {
    const auto place = stage().directory() / name_;
    std::filesystem::create_directory(place);
    must_varve({"pool", "add", name_, "file-reflink", "dir_path=./" + name_, "setup_check=false"});
    EXPECT_EQ(json_of({"pool", "info", name_}).at("/config/dir_path"), place.string());
    must_varve({"pool", "rm", name_});
    std::filesystem::remove_all(place);
}

TEST_F(CliPoolTest, LsShowsAllPools) {
    must_varve({"pool", "add", name_, "sim", "revisions_to_keep=9", "size=2G"});
    const auto text = must_varve({"pool", "ls"});
    EXPECT_TRUE(text.starts_with("POOL ")) << text;
    EXPECT_TRUE(has(text, "\nfast ") && has(text, "\nother ") && has(text, "\n" + name_ + " ")) << text;
    EXPECT_TRUE(has(text, "2.0 GiB")) << text;
    EXPECT_TRUE(has(must_varve({"--bytes", "pool", "ls"}), "2147483648"));
    const auto listed = json_of({"pool", "ls"});
    EXPECT_EQ(listed.at("/pools/0/pool"), "fast");
    EXPECT_EQ(listed.at("/pools/1/pool"), "other");
    EXPECT_EQ(listed.at("/pools/2/revisions_to_keep"), "9");
}

TEST_F(CliPoolTest, RmWaitsForTheLastUserAndLeavesTheData) {
    must_varve({"pool", "add", name_, "file-reflink", "dir_path=" + directory_});
    ASSERT_EQ(make_directory(pool(name_) / "a"), ok);
    ASSERT_EQ(make_state(pool(name_) / "a" / "data.img", new_content_, first_time), ok);
    must_varve({"start", name_ + "/a"});
    expect_refused_with(Exit::busy, {"pool", "rm", name_}, {name_ + "/a/data is started", "stop it"});
    must_varve({"discard", name_ + "/a"});
    {
        OpenFile writer(pool(name_) / "a" / "data.img", O_RDWR);
        ASSERT_EQ(writer.opened(), ok);
        expect_refused_with(Exit::busy, {"pool", "rm", name_}, {"open for writing by process"});
    }
    ASSERT_TRUE(eventually([&] { return control_value(pool(name_) / "a" / ".varve" / "data" / "state") == "halted"; }));
    EXPECT_EQ(must_varve({"pool", "rm", name_}), name_ + "  removed\n");
    EXPECT_FALSE(present(pool(name_)));
    expect_refused_with(Exit::not_found, {"pool", "info", name_}, {"the pool " + name_ + " does not exist"});
    expect_refused_with(Exit::not_found, {"pool", "rm", name_}, {"no pool " + name_});
    ASSERT_TRUE(daemon().restart());
    EXPECT_FALSE(present(pool(name_))) << "it stays away";
    must_varve({"pool", "add", name_, "file-reflink", "dir_path=" + directory_});
    EXPECT_EQ(read_file(pool(name_) / "a" / "data.img"), new_content_) << "its data stayed";
}

TEST_F(CliPoolTest, PoolsThatCannotBe) {
    expect_refused_with(Exit::failed, {"pool", "add", "fast", "sim"}, {"a pool fast already"});
    expect_refused_with(Exit::failed, {"pool", "add", name_, "nodriver"},
                        {"no driver 'nodriver'", "callback, file, file-reflink, linux-kernel, lvm_thin, sim"});
    expect_refused_with(Exit::failed, {"pool", "add", name_, "file-reflink"}, {"dir_path is missing"});
    expect_refused_with(Exit::failed, {"pool", "add", name_, "sim", "foo=bar"}, {"no parameter foo"});
    expect_refused_with(Exit::failed, {"pool", "add", name_, "file-reflink", "dir_path=" + pool().string()}, {"below the mountpoint"});
    expect_refused_with(Exit::not_found, {"pool", "add", name_, "file-reflink", "dir_path=/nonexistent"}, {"/nonexistent"});
    expect_refused_with(Exit::busy, {"pool", "add", name_, "file-reflink", "dir_path=" + (stage().backing() / "fast").string()},
                        {"storage of pool fast already"});
    expect_refused_with(Exit::usage, {"pool", "add", name_, "sim", "novalue"}, {"not KEY=VALUE"});
    expect_refused_with(Exit::usage, {"pool", "rm", vm_name()}, {"does not name a pool"});
}

}  // namespace
}  // namespace varve::test_support
