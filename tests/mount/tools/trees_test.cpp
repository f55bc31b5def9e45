// SPDX-License-Identifier: LGPL-2.1-or-later
// Whole trees out and back: cp -a, rsync, tar. Content, times and history must be the same.
#include "tests/mount/tools/tools_test.h"

namespace varve::test_support {
namespace {

class TreesTest : public ToolsTest {
protected:
    void SetUp() override {
        ToolsTest::SetUp();
        make_rich_vm();
        tree_ = describe_tree(vm_path());
        second_ = pool() / another_vm();
        backup_ = out("backup");
        std::filesystem::create_directory(backup_);
    }

    void expect_same(const Path& directory) const {
        expect_settled(directory);
        EXPECT_EQ(describe_tree(directory), tree_);
    }

    std::map<std::string, std::string> tree_;
    Path second_;
    Path backup_;
};

TEST_F(TreesTest, CpArchive) {
    run({"cp", "-a", "--sparse=always", vm_path().string() + "/.", backup_});
    EXPECT_EQ(describe_tree(backup_).size(), tree_.size());
    run({"cp", "-a", backup_.string() + "/.", second_});
    expect_same(second_);
    ASSERT_TRUE(daemon().restart());
    expect_same(second_);
}

TEST_F(TreesTest, CpArchiveOfAWholeVmDirectory) {
    const auto third = stage().fresh_name();
    run({"cp", "-a", vm_path(), pool() / third});
    expect_same(pool() / third);
}

TEST_F(TreesTest, CpArchiveOverWhatIsThere) {
    run({"cp", "-a", vm_path().string() + "/data.img", second_});
    ASSERT_EQ(make_state(second_ / "data.img", pattern('z', 4096), second_time + 1), ok);
    run({"cp", "-a", at("data.img"), second_});
    EXPECT_EQ(read_file(second_ / "data.img"), new_content_);
    EXPECT_EQ(stat_of(second_ / "data.img").st_mtim.tv_sec, second_time);
    EXPECT_EQ(list_directory(second_).size(), 3U) << "both replaced states are kept";
    expect_settled(second_);
}

TEST_F(TreesTest, RsyncArchiveAndASecondRunTransfersNothing) {
    run({"rsync", "-aS", vm_path().string() + "/", backup_});
    EXPECT_EQ(describe_tree(backup_), tree_);
    run({"rsync", "-aS", backup_.string() + "/", second_});
    expect_same(second_);
    for (int round = 0; round < 2; ++round) {
        const auto in = run({"rsync", "-aS", "--stats", backup_.string() + "/", second_});
        EXPECT_NE(in.find("Number of regular files transferred: 0\n"), std::string::npos) << in;
        EXPECT_NE(in.find("Number of created files: 0\n"), std::string::npos) << in;
        const auto back = run({"rsync", "-aS", "--stats", vm_path().string() + "/", backup_});
        EXPECT_NE(back.find("Number of regular files transferred: 0\n"), std::string::npos) << back;
        expect_same(second_);
        ASSERT_TRUE(daemon().restart());
    }
}

TEST_F(TreesTest, RsyncPlain) {
    run({"rsync", "-r", vm_path().string() + "/data.img", backup_});
    EXPECT_EQ(read_file(backup_ / "data.img"), new_content_);
    ASSERT_EQ(make_state(second_ / "data.img", old_content_, first_time), ok);
    run({"rsync", backup_ / "data.img", second_ / "data.img"});
    expect_settled(second_);
    EXPECT_EQ(read_file(second_ / "data.img"), new_content_);
    EXPECT_EQ(read_file(second_ / "data.img@2017-07-14T02:40:00Z"), old_content_);
    EXPECT_EQ(list_directory(second_).size(), 2U);
}

TEST_F(TreesTest, RsyncInPlaceSendsTheDifference) {
    auto changed = new_content_;
    changed.replace(300'000, 7, "changed");
    const auto source = make_plain_file("data.img", changed, second_time + 7);
    run({"rsync", "-a", "--inplace", "--no-whole-file", source, at("data.img")});
    expect_settled(vm_path());
    EXPECT_EQ(read_file(data()), changed);
    EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, second_time + 7);
    EXPECT_EQ(read_file(revision("data", second_time)), new_content_);
    EXPECT_EQ(read_file(data_old()), old_content_);
    EXPECT_EQ(names().size(), tree_.size() + 1) << "one transaction";
}

TEST_F(TreesTest, RsyncInPlaceToANewVolume) {
    run({"rsync", "-a", "--inplace", at("data.img"), second_});
    EXPECT_EQ(read_file(second_ / "data.img"), new_content_);
    EXPECT_EQ(stat_of(second_ / "data.img").st_mtim.tv_sec, second_time);
    expect_settled(second_);
}

TEST_F(TreesTest, RsyncBringsAChangedVolumeBackAndKeepsTheChange) {
    run({"rsync", "-aS", vm_path().string() + "/", backup_});
    run({"rsync", "-aS", backup_.string() + "/", second_});
    ASSERT_EQ(make_state(second_ / "data.img", pattern('z', volume_size), second_time + 50), ok);
    run({"rsync", "-aS", backup_.string() + "/", second_});
    EXPECT_EQ(read_file(second_ / "data.img"), new_content_);
    EXPECT_EQ(read_file(second_ / "data.img@2017-07-14T02:42:30Z"), pattern('z', volume_size));
    expect_settled(second_);
}

TEST_F(TreesTest, RsyncDeleteRemovesStates) {
    run({"rsync", "-aS", vm_path().string() + "/", second_});
    ASSERT_EQ(remove_file(at("data.img@golden")), ok);
    run({"rsync", "-aS", "--delete", vm_path().string() + "/", second_});
    EXPECT_EQ(list_directory(second_), names());
    expect_settled(second_);
}

TEST_F(TreesTest, TarOutAndBack) {
    const auto archive = out("vm.tar").string();
    const auto said = run({"tar", "--format=posix", "-cSf", archive, "-C", vm_path(), "."});
    EXPECT_EQ(said, "") << "nothing changed while it was read";
    run({"tar", "-xf", archive, "-C", second_});
    expect_same(second_);
    run({"tar", "--compare", "-f", archive, "-C", second_});
    ASSERT_TRUE(daemon().restart());
    expect_same(second_);
}

TEST_F(TreesTest, TarOverWhatIsThere) {
    const auto archive = out("vm.tar").string();
    run({"tar", "--format=posix", "-cSf", archive, "-C", vm_path(), "."});
    run({"tar", "-xf", archive, "-C", second_});
    run({"tar", "-xf", archive, "-C", second_});
    expect_same(second_);
}

TEST_F(TreesTest, TarOfTheWholePoolWithLinksUpwards) {
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img@golden", second_ / "fixed.img"), ok);
    ASSERT_EQ(symlink_to("../" + vm() + "/sparse.img", second_ / "root.img"), ok);
    const auto archive = out("pool.tar").string();
    const auto second_name = second_.filename().string();
    run({"tar", "--format=posix", "-cSf", archive, "-C", pool(), second_name, vm()});
    run({"rm", "-r", second_});
    for (const std::string name : {"root.img", "sparse.img", "data.img", "data.img@golden"}) ASSERT_EQ(remove_file(at(name)), ok) << name;
    ASSERT_EQ(remove_file(data_old()), ok);
    ASSERT_EQ(remove_directory(vm_path()), ok);
    run({"tar", "-xf", archive, "-C", pool()});
    expect_same(vm_path());
    EXPECT_EQ(link_target_of(second_ / "fixed.img"), "../" + vm() + "/data.img@golden");
    EXPECT_EQ(link_target_of(second_ / "root.img"), "../" + vm() + "/sparse.img@current");
    EXPECT_EQ(read_file(second_ / "fixed.img"), old_content_);
}

}  // namespace
}  // namespace varve::test_support
