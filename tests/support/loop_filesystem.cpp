// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/loop_filesystem.h"

#include "drivers/base/unique_fd.h"
#include "tests/support/run_program.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace varve::test_support {
namespace {

using base::Result;

std::vector<std::string> mkfs_command(FileSystemType type, const std::string& image) {
    switch (type) {
        case FileSystemType::Xfs: return {"mkfs.xfs", "-q", "-m", "reflink=1,crc=1", image};
        case FileSystemType::Btrfs: return {"mkfs.btrfs", "-q", image};
        case FileSystemType::Ext4: return {"mkfs.ext4", "-q", "-F", image};
    }
    return {};
}

Result<> must_succeed(std::vector<std::string> command) {
    auto name = command.front();
    const auto finished = TRY(run_program(std::move(command)));
    if (!finished.succeeded()) return base::fail(base::Errc::Io, name + " failed: " + finished.describe());
    return {};
}

Result<std::filesystem::path> make_directory() {
    auto name = (std::filesystem::temp_directory_path() / "varve-loop-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return base::fail_errno(errno, "cannot make a temporary directory");
    return name;
}

Result<> make_image(const std::string& image, base::Bytes size) {
    const base::UniqueFd file(::open(image.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
    if (!file.valid()) return base::fail_errno(errno, "cannot make " + image);
    if (::ftruncate(file.get(), static_cast<off_t>(size.count)) != 0) return base::fail_errno(errno, "cannot size " + image);
    return {};
}

Result<> make_and_mount(FileSystemType type, base::Bytes size, const std::filesystem::path& image, const std::filesystem::path& directory) {
    TRY(make_image(image, size));
    TRY(must_succeed(mkfs_command(type, image)));
    return must_succeed({"mount", "-o", "loop", image, directory});  // libmount sets autoclear: the loop device goes with the mount
}

}  // namespace

Result<LoopFileSystem> LoopFileSystem::make(FileSystemType type, base::Bytes size) {
    auto directory = TRY(make_directory());
    const auto image = directory.string() + ".image";
    const auto made = make_and_mount(type, size, image, directory);
    (void)::unlink(image.c_str());  // mounted, the loop device keeps it; else it may not even exist
    if (!made) {
        (void)::rmdir(directory.c_str());
        return base::Failure(made.error());
    }
    return LoopFileSystem(std::move(directory));
}

Result<> LoopFileSystem::cut_power() {
    struct stat top {};
    if (::stat(directory_.c_str(), &top) != 0) return base::fail_errno(errno, "cannot see " + directory_.string());
    const auto number = std::to_string(major(top.st_dev)) + ":" + std::to_string(minor(top.st_dev));
    std::error_code failed;
    const auto name = std::filesystem::read_symlink("/sys/dev/block/" + number, failed).filename();
    device_ = base::UniqueFd(::open(("/dev" / name).c_str(), O_RDWR | O_CLOEXEC));
    if (failed || !device_.valid()) return base::fail(base::Errc::Io, "cannot hold the loop device " + number);
    const base::UniqueFd directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // From the kernel's fs/xfs/libxfs/xfs_fs.h.
    constexpr unsigned long going_down = _IOR('X', 125, std::uint32_t);
    constexpr std::uint32_t without_log_flush = 2;
    if (!directory.valid() || ::ioctl(directory.get(), going_down, &without_log_flush) != 0)
        return base::fail_errno(errno, "cannot shut down " + directory_.string());
    return {};
}

Result<> LoopFileSystem::mount_again() {
    if (::umount2(directory_.c_str(), 0) != 0) return base::fail_errno(errno, "cannot unmount " + directory_.string());
    const auto device = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(device_.get()));
    if (::mount(device.c_str(), directory_.c_str(), "xfs", 0, nullptr) != 0)
        return base::fail_errno(errno, "cannot mount " + device.string() + " again");
    device_.reset();
    return {};
}

LoopFileSystem::~LoopFileSystem() {
    if (directory_.empty()) return;
    if (::umount2(directory_.c_str(), 0) != 0) (void)::umount2(directory_.c_str(), MNT_DETACH);  // not mounted any more
    (void)::rmdir(directory_.c_str());                                                           // a leftover empty directory hurts nobody
}

Result<> enter_private_mounts() {
    if (::unshare(CLONE_NEWNS) != 0) return base::fail_errno(errno, "cannot make a private mount table");
    // EINVAL: in a chroot "/" need not be a mount. Then what dies with a test stays mounted; what ends well is undone all the same.
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 && errno != EINVAL)
        return base::fail_errno(errno, "cannot make the mounts private");
    return {};
}

}  // namespace varve::test_support
