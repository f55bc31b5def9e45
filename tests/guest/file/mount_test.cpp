// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole daemon with a pool of the driver file: a template, and VMs that run on versions of it.
#include "tests/support/mount_fixture.h"
#include "tests/support/run_program.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace varve::test_support {
namespace {

constexpr std::size_t size = std::size_t{4} << 20;

// The template is the first VM's data.img.
class FileMountTest : public MountTest {
protected:
    void SetUp() override {
        MountTest::SetUp();
        ASSERT_EQ(make_state(at("data.img"), content_of('1'), 1'500'000'000), ok);
    }
    void TearDown() override {
        for (const auto& app : apps_)
            if (control_value(app_control(app, "state")) == "started") (void)send_command(app_control(app, "ctl"), "stop");
        if (value("data", "state") == "started") (void)command("data", "discard");
        MountTest::TearDown();
    }

    static std::string content_of(char version) { return pattern(version, size); }
    [[nodiscard]] Path app_control(const std::string& app, const std::string& file) const {
        return pool() / app / ".varve" / "root" / file;
    }

    // Neither the daemon nor a device is left, as after a power cut.
    void crash() {
        daemon().kill();
        const auto removed = run_program(std::vector<std::string>{"/sbin/dmsetup", "remove_all", "--force"});
        ASSERT_TRUE(removed && removed->succeeded());
    }

    // Another VM whose root starts from the template, running.
    std::string running_app() {
        auto app = another_vm();
        apps_.push_back(app);
        EXPECT_EQ(symlink_to("../" + vm() + "/data.img", pool() / app / "root.img"), ok);
        const auto started = send_command(app_control(app, "ctl"), "start");
        EXPECT_EQ(started.error, ok) << started.text;
        return app;
    }
    [[nodiscard]] std::string seen_by(const std::string& app) const {
        OpenFile device(app_control(app, "device"), O_RDONLY);
        EXPECT_EQ(device.opened(), ok);
        return device.read_at(0, size);
    }
    void app_writes(const std::string& app, off_t offset, const std::string& data) const {
        OpenFile device(app_control(app, "device"), O_RDWR);
        ASSERT_EQ(device.opened(), ok);
        EXPECT_EQ(device.write_at(offset, data), ok);
        EXPECT_EQ(device.sync(), ok);
    }

    std::vector<std::string> apps_;
};

TEST_F(FileMountTest, EachOfThreeVmsOnTwoVersionsSeesExactlyItsOwn) {
    must("data", "start");
    const auto first = running_app();
    guest_write("data", 0, content_of('2'));
    EXPECT_EQ(read_file(at("data.img")), content_of('1')) << "readers see the state from before the start";
    must("data", "stop");
    const auto second = running_app();
    const auto third = running_app();
    EXPECT_EQ(seen_by(first), content_of('1'));
    EXPECT_EQ(seen_by(second), content_of('2'));
    EXPECT_EQ(control_value(app_control(first, "outdated")), "1");
    EXPECT_EQ(control_value(app_control(second, "outdated")), "0");

    must("data", "start");
    app_writes(third, 1 << 20, pattern('t', 65536));
    for (off_t offset = 0; offset < static_cast<off_t>(size); offset += 3 * 65536) guest_write("data", offset, pattern('3', 65536));
    guest_write("data", 1 << 20, pattern('3', 1 << 20));
    auto own = content_of('2');
    own.replace(1 << 20, 65536, pattern('t', 65536));
    for (int moment = 0; moment < 2; ++moment) {  // while the template runs, and when it has committed
        EXPECT_EQ(seen_by(first), content_of('1'));
        EXPECT_EQ(seen_by(second), content_of('2'));
        EXPECT_EQ(seen_by(third), own);
        if (moment == 0) must("data", "stop");
    }
    EXPECT_EQ(control_value(app_control(second, "outdated")), "1");

    daemon().kill();
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(seen_by(first), content_of('1'));
    EXPECT_EQ(seen_by(third), own);
}

TEST_F(FileMountTest, TheStateBeforeIsRevertedTo) {
    must("data", "start");
    guest_write("data", 0, content_of('2'));
    must("data", "stop");
    EXPECT_EQ(read_file(at("data.img")), content_of('2'));
    EXPECT_EQ(read_file(revision("data", 1'500'000'000)), content_of('1'));
    must("data", "revert 2017-07-14T02:40:00Z");
    EXPECT_EQ(read_file(at("data.img")), content_of('1'));
    must("data", "start");
    guest_write("data", 0, content_of('4'));
    must("data", "discard");
    EXPECT_EQ(read_file(at("data.img")), content_of('1'));
}

TEST_F(FileMountTest, ARunningVolumeIsReadCopiedAndLabelled) {
    must("data", "start");
    guest_write("data", 0, content_of('2'));
    ASSERT_EQ(link_file(at("data.img"), at("data.img@before")), ok);
    EXPECT_EQ(read_file(at("data.img@before")), content_of('1'));
    EXPECT_EQ(value("data", "state"), "started");
    must("data", "resize 8M");
    EXPECT_EQ(stat_of(at("data.img")).st_size, static_cast<off_t>(size));
    must("data", "stop");
    EXPECT_EQ(stat_of(at("data.img")).st_size, 8 << 20);
    EXPECT_EQ(read_file(at("data.img@before")), content_of('1'));
}

// What happens below a pool while no daemon runs is shown by the next one, and harms no other volume.
TEST_F(FileMountTest, ADamagedCowFileDegradesItsVolumeAlone) {
    ASSERT_EQ(make_state(at("other.img"), content_of('o'), 1'500'000'000), ok);
    must("data", "start");
    guest_write("data", 0, content_of('2'));
    must("data", "stop");
    must("data", "start");
    guest_write("data", 0, content_of('3'));
    crash();
    const base::UniqueFd cow(::open((backing(vm()) / "data-cow.img").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(cow.get(), "garbage", 7, 0), 7);
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(value("data", "state"), "degraded");
    const auto blockers = read_file(control("data", "blockers"));
    EXPECT_NE(blockers.find("it is degraded: data-cow.img is damaged"), std::string::npos) << blockers;
    const auto started = command("data", "start");
    EXPECT_NE(started.error, ok);
    EXPECT_NE(started.text.find("the COW file is damaged: it begins with something else"), std::string::npos) << started.text;
    EXPECT_EQ(read_file(at("other.img")), content_of('o'));
    must("other", "start");
    must("other", "stop");
    must("data", "stop");
    EXPECT_EQ(value("data", "state"), "halted");
    EXPECT_EQ(read_file(at("data.img")), content_of('3')) << "what its VM wrote is whole";
}

TEST_F(FileMountTest, AnImageThatIsGoneIsNamed) {
    must("data", "start");
    guest_write("data", 0, content_of('2'));
    crash();
    ASSERT_EQ(::unlink((backing(vm()) / "data.img").c_str()), 0);
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(value("data", "state"), "degraded");
    const auto blockers = read_file(control("data", "blockers"));
    EXPECT_NE(blockers.find("it is degraded: data.img is gone"), std::string::npos) << blockers;
    EXPECT_NE(command("data", "start").error, ok);
}

}  // namespace
}  // namespace varve::test_support
