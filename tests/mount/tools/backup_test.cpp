// SPDX-License-Identifier: LGPL-2.1-or-later
// borg and restic: a second run finds everything unchanged, also after a remount, and a restore brings everything back.
#include "tests/mount/tools/tools_test.h"

#include <sstream>

namespace varve::test_support {
namespace {

class BackupTest : public ToolsTest {
protected:
    void SetUp() override {
        ToolsTest::SetUp();
        make_rich_vm();
        tree_ = describe_tree(vm_path());
        for (const auto& [name, text] : tree_) files_ += text.starts_with("size") ? 1 : 0;
    }

    std::string in_pool(const std::string& script) const { return run({"bash", "-c", "cd '" + pool().string() + "' && " + script}); }

    // Removes the VM, so that it can be restored under its own name.
    void remove_vm() const {
        for (const std::string name : {"root.img", "sparse.img", "data.img", "data.img@golden"})
            ASSERT_EQ(remove_file(at(name)), ok) << name;
        ASSERT_EQ(remove_file(data_old()), ok);
        ASSERT_EQ(remove_directory(vm_path()), ok);
    }

    void expect_restored() const {
        expect_settled(vm_path());
        EXPECT_EQ(describe_tree(vm_path()), tree_);
    }

    std::map<std::string, std::string> tree_;
    std::size_t files_ = 0;
};

class BorgTest : public BackupTest {
protected:
    void SetUp() override {
        BackupTest::SetUp();
        environment_ = {{"BORG_BASE_DIR", out("borg").string()},
                        {"BORG_REPO", out("repository").string()},
                        {"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes"},
                        {"BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes"}};
        std::filesystem::create_directory(out("borg"));
        run({"borg", "init", "--encryption=none"});
    }

    // The status letter of each of the VM's regular files: A added, M modified, U unchanged.
    [[nodiscard]] std::map<std::string, char> backup(const std::string& archive) const {
        // borg does not remember the newest file of a backup (its clock may be coarse): let that be another one.
        EXPECT_EQ(write_file(out("newest" + archive), archive), ok);
        std::istringstream lines(in_pool("borg create --list '::" + archive + "' " + vm() + " '" + out("newest" + archive).string() + "'"));
        std::map<std::string, char> letters;
        for (std::string line; std::getline(lines, line);) {
            if (line.size() > 2 && line.compare(2, vm().size() + 1, vm() + "/") == 0 && line[0] != 's') letters[line.substr(2)] = line[0];
        }
        return letters;
    }
};

TEST_F(BorgTest, ASecondRunFindsEverythingUnchanged) {
    const auto first = backup("one");
    EXPECT_EQ(first.size(), files_);
    for (const auto& [name, letter] : first) EXPECT_EQ(letter, 'A') << name;
    for (const auto& [name, letter] : backup("two")) EXPECT_EQ(letter, 'U') << name;
    ASSERT_TRUE(daemon().restart());
    const auto third = backup("three");
    EXPECT_EQ(third.size(), files_);
    for (const auto& [name, letter] : third) EXPECT_EQ(letter, 'U') << name << " after a remount";
    // A changed volume is noticed, though neither its size nor its time differ.
    ASSERT_EQ(make_state(at("sparse.img"), pattern('z', 4096), second_time), ok);
    for (const auto& [name, letter] : backup("four"))
        EXPECT_EQ(letter, name.ends_with("/sparse.img") ? 'M' : name.find("sparse.img@") != std::string::npos ? 'A' : 'U') << name;
}

TEST_F(BorgTest, ExtractBringsEverythingBack) {
    (void)backup("one");
    remove_vm();
    in_pool("borg extract --sparse ::one " + vm());
    expect_restored();
}

class ResticTest : public BackupTest {
protected:
    void SetUp() override {
        BackupTest::SetUp();
        environment_ = {{"RESTIC_REPOSITORY", out("repository").string()},
                        {"RESTIC_PASSWORD", "test"},
                        {"RESTIC_CACHE_DIR", out("cache").string()},
                        {"HOME", outside().string()}};
        run({"restic", "init"});
    }

    [[nodiscard]] std::string backup() const { return in_pool("restic backup " + vm()); }
    [[nodiscard]] std::string counts(std::size_t added, std::size_t changed, std::size_t unmodified) const {
        return std::to_string(added) + " new, " + std::to_string(changed) + " changed, " + std::to_string(unmodified) + " unmodified";
    }
    [[nodiscard]] static std::string files_line(const std::string& text) {
        const auto begin = text.find("Files:");
        auto line = begin == std::string::npos ? text : text.substr(begin, text.find('\n', begin) - begin);
        std::string single;
        for (const char c : line)
            if (c != ' ' || single.empty() || single.back() != ' ') single += c;
        return single;
    }
};

TEST_F(ResticTest, ASecondRunFindsEverythingUnchanged) {
    EXPECT_EQ(files_line(backup()), "Files: " + counts(files_, 0, 0));
    EXPECT_EQ(files_line(backup()), "Files: " + counts(0, 0, files_));
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(files_line(backup()), "Files: " + counts(0, 0, files_)) << "after a remount";
    ASSERT_EQ(make_state(data(), old_content_, second_time), ok);  // the same size and time
    EXPECT_EQ(files_line(backup()), "Files: " + counts(1, 1, files_ - 1)) << "the replaced state is a new path";
}

TEST_F(ResticTest, RestoreBringsEverythingBack) {
    (void)backup();
    remove_vm();
    run({"restic", "restore", "latest", "--target", out("restored")});
    run({"cp", "-a", "--sparse=always", out("restored") / vm(), pool()});
    expect_restored();
}

}  // namespace
}  // namespace varve::test_support
