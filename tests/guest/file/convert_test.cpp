// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole daemon makes a pool of the driver file one of file-reflink, on XFS.
#include "tests/support/mount_fixture.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <string>

namespace varve::test_support {
namespace {

constexpr std::size_t size = std::size_t{2} << 20;

class ConvertTest : public MountTest {
protected:
    void SetUp() override {
        MountTest::SetUp();
        std::filesystem::create_directory(backing_);
        ASSERT_EQ(root_command("pool-add old file revisions_to_keep=3 dir_path=" + backing_.string()).error, ok);
        ASSERT_EQ(make_directory(pool("old") / "template"), ok);
        ASSERT_EQ(make_state(image(), content_of('1'), 1'500'000'000), ok);
        session('2');
        session('3');
    }
    void TearDown() override {
        if (control_value(control("state")) == "started") command("discard");
        EXPECT_EQ(root_command("pool-rm old").error, ok);
        std::filesystem::remove_all(backing_);
        MountTest::TearDown();
    }

    static std::string content_of(char version) { return pattern(version, size); }
    [[nodiscard]] Reply root_command(const std::string& text) const { return send_command(mount() / ".varve" / "ctl", text); }
    [[nodiscard]] Path image() const { return pool("old") / "template" / "data.img"; }
    [[nodiscard]] Path control(const std::string& file) const { return pool("old") / "template" / ".varve" / "data" / file; }
    void command(const std::string& text) const {
        const auto reply = send_command(control("ctl"), text);
        EXPECT_EQ(reply.error, ok) << text << ": " << reply.text;
    }
    void session(char version) const {
        command("start");
        write_device(version);
        command("stop");
    }
    void write_device(char version) const {
        OpenFile device(control("device"), O_RDWR);
        ASSERT_EQ(device.opened(), ok);
        ASSERT_EQ(device.write_at(0, content_of(version)), ok);
        ASSERT_EQ(device.sync(), ok);
    }
    [[nodiscard]] std::string driver() const { return control_value(pool("old") / ".varve" / "driver"); }
    // All states under their names.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> states() const {
        std::vector<std::pair<std::string, std::string>> all;
        for (const auto& name : list_directory(image().parent_path()))
            if (name.starts_with("data.img")) all.emplace_back(name, read_file(image().parent_path() / name));
        return all;
    }
    [[nodiscard]] bool has_cow_files() const {
        for (const auto& name : list_directory(backing_ / "appvms" / "template"))
            if (name.find("-cow.img") != std::string::npos) return true;
        return false;
    }

    Path backing_ = stage().backing() / "old";
};

TEST_F(ConvertTest, KeepsEveryState) {
    const auto before = states();
    ASSERT_EQ(before.size(), 3U);
    ASSERT_TRUE(has_cow_files());

    command("start");
    const auto refused = root_command("pool-convert old");
    EXPECT_EQ(refused.error, Errno{EBUSY}) << refused.text;
    EXPECT_EQ(driver(), "file");
    command("stop");

    const auto converted = root_command("pool-convert old");
    ASSERT_EQ(converted.error, ok) << converted.text;
    EXPECT_EQ(driver(), "file-reflink");
    EXPECT_FALSE(has_cow_files());
    EXPECT_EQ(states(), before);

    daemon().kill();
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(driver(), "file-reflink");
    EXPECT_EQ(states(), before);
    session('4');
    EXPECT_EQ(read_file(image()), content_of('4'));
}

}  // namespace
}  // namespace varve::test_support
