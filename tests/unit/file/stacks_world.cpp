// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/file/stacks_world.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace varve::file {
namespace {

std::uint64_t inode_of(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

base::UniqueFd new_file(std::uint64_t bytes) {
    base::UniqueFd file(::memfd_create("varve-test", MFD_CLOEXEC));
    EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(bytes)), 0);
    return file;
}

base::UniqueFd new_cow(std::uint64_t state_bytes) {
    kernel::PosixFileSystem files;
    auto cow = new_file(0);
    EXPECT_TRUE(make_cow_file(files, cow.get(), {state_bytes}));
    return cow;
}

void TestVolume::commit() {
    old_cow = std::exchange(cow, new_cow(size.count));
    old_size = size;
}

FakeNodes::~FakeNodes() {
    for (const auto& opened : opened_) devices_.close(opened.device);
}

base::Result<base::UniqueFd> FakeNodes::open(const kernel::DmName& name, kernel::DeviceNumber device) const {
    TRY(devices_.call(faults_, fakes::Effect::Reads, [&]() -> base::Result<> {
        const auto found = devices_.mapped().find(name.str());
        if (found == devices_.mapped().end() || found->second.number != device) return base::fail(base::Errc::NotFound, "there is no node");
        return {};
    }));
    devices_.open(device);
    auto fd = new_file(0);
    opened_.push_back({fd.get(), inode_of(fd.get()), device});
    return fd;
}

void FakeNodes::notice_closed() {
    const auto closed =
        std::partition(opened_.begin(), opened_.end(), [](const Opened& opened) { return inode_of(opened.fd) == opened.inode; });
    const std::vector<Opened> gone(closed, opened_.end());
    opened_.erase(closed, opened_.end());
    for (const auto& opened : gone) devices_.close(opened.device);
}

std::string picture_of(fakes::FakeBlockDevices& devices) {
    fakes::Faults none;
    std::string text;
    (void)devices.call(none, fakes::Effect::Reads, [&]() -> base::Result<> {
        for (const auto& [name, device] : devices.mapped()) {
            text += name + " " + device.uuid;
            if (device.live) text += " " + std::to_string(device.live->size().count) + " " + type_of(device.live->targets().front().kind);
            if (!device.live) text += " without a table";
            if (device.inactive) text += " with an inactive table";
            if (device.suspended) text += " suspended";
            if (device.removed_when_unused) text += " until its last user";
            if (device.access == kernel::DmAccess::ReadOnly) text += " read-only";
            text += "\n";
        }
        for (const auto& [number, loop] : devices.loops())
            text += "loop over " + std::to_string(loop.loop.backing.inode) + " opened " + std::to_string(loop.opens) + "\n";
        return {};
    });
    // The order of loop devices means nothing.
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    std::ranges::sort(lines);
    std::string sorted;
    for (const auto& line : lines) sorted += line + "\n";
    return sorted;
}

}  // namespace varve::file
