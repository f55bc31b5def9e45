// SPDX-License-Identifier: LGPL-2.1-or-later
// Programs that treat a volume as a disk: qemu-img and loop devices.
#include "tests/mount/tools/tools_test.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <fstream>

namespace varve::test_support {
namespace {

class ImagesTest : public ToolsTest {
protected:
    void SetUp() override {
        ToolsTest::SetUp();
        ASSERT_EQ(make_state(data(), old_content_, first_time), ok);
    }

    // Whether a revision of data.img has this content.
    [[nodiscard]] bool history_has(const std::string& content) const {
        for (const auto& name : names())
            if (name.starts_with("data.img@") && read_file(at(name)) == content) return true;
        return false;
    }
};

TEST_F(ImagesTest, QemuConvertsOntoAVolume) {
    const auto raw = make_plain_file("new.raw", new_content_, second_time);
    run({"qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, out("new.qcow2")});
    run({"qemu-img", "convert", "-f", "qcow2", "-O", "raw", out("new.qcow2"), data()});
    expect_settled(vm_path());
    EXPECT_EQ(read_file(data()), new_content_);
    EXPECT_TRUE(history_has(old_content_)) << "it closes twice, and must not push the good state out";
    run({"qemu-img", "convert", "-f", "qcow2", "-O", "raw", out("new.qcow2"), at("fresh.img")});
    expect_settled(vm_path());
    EXPECT_EQ(read_file(at("fresh.img")), new_content_);
    run({"qemu-img", "convert", "-n", "-f", "qcow2", "-O", "raw", out("new.qcow2"), at("fresh.img")});
    EXPECT_EQ(read_file(at("fresh.img")), new_content_);
}

TEST_F(ImagesTest, QemuConvertsOutOfARevision) {
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    run({"qemu-img", "convert", "-f", "raw", "-O", "qcow2", data_old(), out("old.qcow2")});
    run({"qemu-img", "convert", "-f", "qcow2", "-O", "raw", out("old.qcow2"), out("old.raw")});
    EXPECT_EQ(read_file(out("old.raw")), old_content_);
    const auto info = run({"qemu-img", "info", "-f", "raw", "./" + data_old().filename().string()});
    EXPECT_NE(info.find("virtual size: 1 MiB (1048576 bytes)"), std::string::npos) << info;
    run({"qemu-img", "compare", "-f", "raw", "-F", "raw", data_old(), out("old.raw")});
    EXPECT_EQ(names(), (Names{"data.img", data_old().filename()})) << "reading commits nothing";
}

TEST_F(ImagesTest, QemuResizesAndWritesInPlace) {
    run({"qemu-img", "resize", "-f", "raw", "data.img", "2M"});
    expect_settled(vm_path());
    EXPECT_EQ(read_file(data()), old_content_ + std::string(volume_size, '\0'));
    run({"qemu-io", "-f", "raw", "-c", "write -P 0x41 4096 4096", "data.img"});
    expect_settled(vm_path());
    EXPECT_EQ(read_file(data()).substr(4096, 4096), std::string(4096, 'A'));
    EXPECT_TRUE(history_has(old_content_));
}

// A loop device and a mountpoint, gone with the object whatever happens.
class LoopMount {
public:
    LoopMount(std::string device, Path directory) : device_(std::move(device)), directory_(std::move(directory)) {
        std::filesystem::create_directories(directory_);
    }
    ~LoopMount() {
        (void)::umount2(directory_.c_str(), MNT_DETACH);  // EINVAL when it was not mounted
        if (!device_.empty()) (void)run_program({"losetup", "-d", device_});
    }
    LoopMount(const LoopMount&) = delete;
    LoopMount& operator=(const LoopMount&) = delete;

    [[nodiscard]] const std::string& device() const { return device_; }
    [[nodiscard]] const Path& directory() const { return directory_; }
    void release() { device_.clear(); }

private:
    std::string device_;
    Path directory_;
};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

class LoopTest : public ImagesTest {
protected:
    void SetUp() override {
        ImagesTest::SetUp();
        ASSERT_EQ(truncate_path(data(), 24 << 20), ok);
    }

    // Attaches, changes the file system within, detaches; then waits for the commit at the last release.
    void change_through_loop(bool make, const std::string& file, const std::string& text) const {
        LoopMount loop(first_line(run({"losetup", "--find", "--show", data()})), out("loop"));
        ASSERT_NE(loop.device(), "");
        if (make) run({"mkfs.ext4", "-q", "-F", loop.device()});
        run({"mount", loop.device(), loop.directory()});
        std::ofstream(loop.directory() / file) << text;
        EXPECT_EQ(value("data", "state"), "writing");
        run({"umount", loop.directory()});
        run({"losetup", "-d", loop.device()});
        loop.release();
        EXPECT_TRUE(eventually([&] { return value("data", "state") == "halted"; })) << value("data", "state");
    }

    void expect_file(const Path& image, const std::string& file, const std::string& text) const {
        LoopMount loop(first_line(run({"losetup", "--read-only", "--find", "--show", image})), out("loop"));
        ASSERT_NE(loop.device(), "");
        run({"mount", "-o", "ro,noload", loop.device(), loop.directory()});
        EXPECT_EQ(read_file(loop.directory() / file), text);
        run({"umount", loop.directory()});
    }
};

TEST_F(LoopTest, AFileSystemIsMadeChangedAndReadFromARevision) {
    change_through_loop(true, "hello", "first");
    ASSERT_EQ(set_times(data(), {second_time, 0}), ok);
    expect_file(data(), "hello", "first");
    change_through_loop(false, "hello", "second");
    expect_file(data(), "hello", "second");
    expect_file(revision("data", second_time), "hello", "first");
    ASSERT_EQ(rename_path(revision("data", second_time), data()), ok);
    expect_file(data(), "hello", "first");
}

TEST_F(LoopTest, WhileALoopWritesTheVolumeIsBusy) {
    LoopMount loop(first_line(run({"losetup", "--find", "--show", data()})), out("loop"));
    ASSERT_NE(loop.device(), "");
    run({"mkfs.ext4", "-q", "-F", loop.device()});
    EXPECT_EQ(bystander().open_and_close(data(), O_WRONLY), Errno{EBUSY});
    EXPECT_EQ(command("data", "start").error, Errno{EBUSY});
    EXPECT_EQ(rename_path(data(), at("moved.img")), Errno{EBUSY});
    run({"losetup", "-d", loop.device()});
    loop.release();
    EXPECT_TRUE(eventually([&] { return value("data", "state") == "halted"; }));
    must("data", "start");
    run({"e2fsck", "-fn", control("data", "device")});
    must("data", "discard");
}

TEST_F(LoopTest, ALoopThatOnlyReadsChangesNothing) {
    const auto before = names();
    {
        LoopMount loop(first_line(run({"losetup", "--read-only", "--find", "--show", data()})), out("loop"));
        run({"dd", "if=" + loop.device(), "of=/dev/null", "bs=1M"});
        must("data", "start");
        must("data", "discard");
    }
    EXPECT_EQ(names(), before);
}

}  // namespace
}  // namespace varve::test_support
