// SPDX-License-Identifier: LGPL-2.1-or-later
// What is full, damaged, gone, or somebody else's.
#include "tests/guest/file/real_stacks.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

namespace varve::file {
namespace {

using base::Errc;

constexpr std::uint64_t faults_size = 4 * mib;

// A file system in memory with so much room, gone with the object.
class SmallFileSystem {
public:
    explicit SmallFileSystem(const std::string& room) {
        EXPECT_NE(::mkdtemp(path_.data()), nullptr);
        EXPECT_EQ(::mount("tmpfs", path_.c_str(), "tmpfs", 0, ("size=" + room).c_str()), 0);
    }
    ~SmallFileSystem() {
        EXPECT_EQ(::umount2(path_.c_str(), MNT_DETACH), 0);  // files may still be open
        EXPECT_EQ(::rmdir(path_.c_str()), 0);
    }
    SmallFileSystem(const SmallFileSystem&) = delete;
    SmallFileSystem& operator=(const SmallFileSystem&) = delete;

    [[nodiscard]] base::UniqueFd cow(base::Bytes state) const {
        base::UniqueFd file(::open((path_ + "/cow").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        kernel::PosixFileSystem files;
        EXPECT_TRUE(make_cow_file(files, file.get(), state));
        return file;
    }

private:
    std::string path_ = std::filesystem::temp_directory_path() / "varve-small-XXXXXX";
};

class StackFaults : public RealStacks {};

TEST_F(StackFaults, AFullFileSystemInvalidatesTheStateAndHarmsNothingElse) {
    const SmallFileSystem small("1M");
    const auto v0 = pattern(faults_size, 1);
    TestVolume root("fedora/root", v0);
    root.cow = small.cow(root.size);
    TestVolume other("debian/root", v0);
    auto healthy = start_origin(other, v0);
    auto origin = start_origin(root, v0);
    EXPECT_EQ(stacks().use_of(root.files()).value(), CowUse::Unused);
    origin.write(0, pattern(faults_size, 2));
    origin.expect_its_content("the guest, who writes on");
    EXPECT_EQ(stacks().use_of(root.files()).value(), CowUse::Invalid);
    const auto view = stacks().open_state(root.files());
    ASSERT_FALSE(view);
    EXPECT_EQ(
        view.error().message(),
        "the COW file of 'fedora/root' was full or could not be written, so its state from before the start is lost; what was written "
        "since is whole: stop the volume to commit it");
    healthy.write(0, pattern(block, 3));
    healthy.expect_its_content("another guest");
    expect_state(other, v0, "another state");
    stop_origin(root, origin);
    EXPECT_EQ(read_cow_use(root.old_cow.get()).value(), CowUse::Invalid) << "the header says so too";
    const auto old = stacks().open_revision(root.files(), root.old());
    ASSERT_FALSE(old);
    EXPECT_EQ(old.error().message(), "the COW file of 'fedora/root' was full or could not be written: what it kept is lost");
    expect_state(root, origin.content(), "the committed state");
    stop_origin(other, healthy);
}

TEST_F(StackFaults, AVmWhoseChangesFindNoRoomLosesOnlyThem) {
    const SmallFileSystem small("1M");
    const auto v0 = pattern(faults_size, 1);
    TestVolume root("fedora/root", v0);
    TestSnapshot own("work/root", {faults_size});
    own.cow = small.cow({faults_size});
    const TestSnapshot other("mail/root", {faults_size});
    auto healthy = start_snapshot(root, other, v0);
    const auto vm = stacks().start_snapshot(root.files(), own.own()).value();
    const base::UniqueFd fd(::open(vm.path().c_str(), O_RDWR | O_CLOEXEC));
    const auto data = pattern(faults_size, 2);
    EXPECT_TRUE(::pwrite(fd.get(), data.data(), faults_size, 0) != static_cast<ssize_t>(faults_size) || ::fsync(fd.get()) != 0);
    EXPECT_EQ(stacks().use_of_own(own.cow.get()).value(), CowUse::Invalid);
    healthy.expect_its_content("another VM");
    expect_state(root, v0, "the state");
    stop_snapshot(other, healthy);
}

TEST_F(StackFaults, WhatTheKernelWouldRefuseIsSaidBefore) {
    const auto v0 = pattern(faults_size, 1);
    TestVolume root("fedora/root", v0);
    ASSERT_EQ(::pwrite(root.cow.get(), "XXXX", 4, 0), 4);
    const auto started = stacks().start_origin(root.files());
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().message(),
              "'fedora/root': the COW file is damaged: it begins with something else than the header of a snapshot");
    expect_nothing_left();
}

TEST_F(StackFaults, ACowFileOfZeroesIsUsedAsQubesMakesIt) {
    std::mt19937 random(1);
    const auto v0 = pattern(faults_size, 1);
    TestVolume root("fedora/root", v0);
    root.cow = new_file(faults_size);
    EXPECT_NE(stacks().start_origin(root.files()).error().message().find("too small"), std::string::npos);
    kernel::PosixFileSystem files;
    ASSERT_TRUE(enlarge_cow_file(files, root.cow.get(), root.size));
    auto origin = start_origin(root, v0);
    origin.write_anywhere(random, faults_size);
    expect_state(root, v0, "the state from before the start");
    stop_origin(root, origin);
    EXPECT_EQ(read_cow_use(root.old_cow.get()).value(), CowUse::Changed);
}

TEST_F(StackFaults, AFileThatLostItsNameIsStillTheState) {
    const auto v0 = pattern(faults_size, 1);
    TestVolume root("fedora/root", v0);
    const TestSnapshot own("work/root", {faults_size});
    auto vm = start_snapshot(root, own, v0);
    root.image.reset();
    root.cow.reset();
    vm.expect_its_content("the VM whose files were removed");
    stop_snapshot(own, vm);
    expect_nothing_left();
}

TEST_F(StackFaults, ForeignDevicesAreNeitherUsedNorTouched) {
    const auto v0 = pattern(faults_size, 1);
    TestVolume root("fedora/root", v0);
    kernel::LoopControl loops;
    const auto id = loops.backing_of(root.image.get()).value();
    const auto cow_id = loops.backing_of(root.cow.get()).value();
    const DeviceNames names(test_pool);
    const auto origin_name = names.of({DeviceRole::Kind::Origin, id, cow_id, {}}).value().name;
    const auto middle_name = names.of({DeviceRole::Kind::Middle, id, cow_id, {}}).value().name;
    const auto foreign_loop = loops.attach(root.image.get(), {}).value();
    const auto table = kernel::DmTable::of({faults_size / 512}, kernel::LinearTarget{foreign_loop.device, {0}}).value();
    const auto middle_uuid = kernel::DmUuid::parse("VARVE-of-another-pool-s-1:2-3:4").value();
    const auto origin_uuid = kernel::DmUuid::parse("LVM-0123456789").value();

    ASSERT_TRUE(mapper().create(middle_name, middle_uuid, table, kernel::DmAccess::ReadWrite));
    EXPECT_EQ(stacks().start_origin(root.files()).error().code, Errc::Exists);
    EXPECT_EQ(stacks().open_state(root.files()).error().code, Errc::Exists);
    EXPECT_TRUE(stacks().recover());
    EXPECT_TRUE(mapper().find(middle_uuid).value());
    ASSERT_TRUE(mapper().remove(middle_name));

    ASSERT_TRUE(mapper().create(origin_name, origin_uuid, table, kernel::DmAccess::ReadWrite));
    const auto started = stacks().start_origin(root.files());
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().message().find("its uuid is 'LVM-0123456789'"), std::string::npos) << started.error().message();
    EXPECT_TRUE(stacks().recover());
    EXPECT_TRUE(stacks().tidy());
    EXPECT_TRUE(mapper().find(origin_uuid).value());
    EXPECT_EQ(mapper().table(origin_name).value(), table);
    EXPECT_EQ(difference(content_of(kernel::DeviceMapper::node_path(origin_name)), v0), "");
    ASSERT_TRUE(mapper().remove(origin_name));

    // Somebody's own loop device over the image is not ours to use: it may go when they want.
    auto origin = start_origin(root, v0);
    EXPECT_EQ(kernel::loops_over(loops, id).value().size(), 2U);
    stop_origin(root, origin);
    EXPECT_TRUE(loops.detach(foreign_loop));
}

}  // namespace
}  // namespace varve::file
