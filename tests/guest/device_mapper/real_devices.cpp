// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/guest/device_mapper/real_devices.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace varve::device_mapper_test {
namespace {

struct Free {
    void operator()(void* memory) const { std::free(memory); }  // NOLINT: what aligned_alloc gives
};

std::unique_ptr<char, Free> aligned(std::uint64_t length, char letter) {
    constexpr std::size_t block = 4096;
    auto* const memory = static_cast<char*>(std::aligned_alloc(block, length));
    std::memset(memory, letter, length);
    return std::unique_ptr<char, Free>(memory);
}

base::UniqueFd open_direct(const std::filesystem::path& device, int access) {
    return base::UniqueFd(::open(device.c_str(), access | O_DIRECT | O_CLOEXEC));
}

}  // namespace

bool can_write_at(const std::filesystem::path& device, std::uint64_t offset, std::uint64_t length, char letter) {
    const auto fd = open_direct(device, O_RDWR);
    EXPECT_TRUE(fd.valid()) << device << ": " << std::strerror(errno);
    const auto data = aligned(length, letter);
    return ::pwrite(fd.get(), data.get(), length, static_cast<off_t>(offset)) == static_cast<ssize_t>(length) && ::fsync(fd.get()) == 0;
}

void write_at(const std::filesystem::path& device, std::uint64_t offset, std::uint64_t length, char letter) {
    EXPECT_TRUE(can_write_at(device, offset, length, letter)) << device << ": " << std::strerror(errno);
}

char read_at(const std::filesystem::path& device, std::uint64_t offset, std::uint64_t length) {
    const auto fd = open_direct(device, O_RDONLY);
    EXPECT_TRUE(fd.valid()) << device << ": " << std::strerror(errno);
    const auto data = aligned(length, '?');
    if (::pread(fd.get(), data.get(), length, static_cast<off_t>(offset)) != static_cast<ssize_t>(length)) return '!';
    const char first = *data;
    return std::all_of(data.get(), data.get() + length, [&](char c) { return c == first; }) ? first : '?';
}

Disk::Disk(std::uint64_t bytes) : file_(::memfd_create("varve-test", MFD_CLOEXEC)) {
    EXPECT_EQ(::ftruncate(file_.get(), static_cast<off_t>(bytes)), 0);
    const auto loop = loops_.attach(file_.get(), {});
    EXPECT_TRUE(loop) << loop.error().message();
    loop_ = loop.value();
}

Disk::~Disk() {
    const auto detached = loops_.detach(loop_);
    EXPECT_TRUE(detached) << detached.error().message();
}

void Disk::grow(std::uint64_t bytes) {
    EXPECT_EQ(::ftruncate(file_.get(), static_cast<off_t>(bytes)), 0);
    EXPECT_TRUE(loops_.update_size(loop_));
}

kernel::DeviceNumber RealDeviceMapperWorld::make_disk(base::SectorCount size) {
    return disks_.emplace_back(std::make_unique<Disk>(size.bytes().count))->number();
}

void RealDeviceMapperWorld::open(const kernel::DmName& name) {
    auto& fd = opened_[name.str()];
    fd = base::UniqueFd(::open(kernel::DeviceMapper::node_path(name).c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(fd.valid()) << name.str() << ": " << std::strerror(errno);
}

void RealDevices::TearDown() {
    auto left = mapper_.list("VARVE-test-").value();
    for (auto rounds = left.size(); rounds != 0 && !left.empty(); --rounds) {
        for (const auto& device : left) (void)mapper().remove(kernel::DmName::parse(device.name).value());
        left = mapper_.list("VARVE-test-").value();
    }
    EXPECT_TRUE(left.empty()) << left.front().name << " is still there";
}

base::Result<kernel::DeviceNumber> RealDevices::try_to_make(const std::string& own, std::uint64_t bytes, kernel::DmTargetKind kind) {
    const auto table = TRY(kernel::DmTable::of(sectors(bytes), std::move(kind)));
    return mapper().create(name(own), kernel::uuid_in_pool("test", own).value(), table, kernel::DmAccess::ReadWrite);
}

kernel::DeviceNumber RealDevices::make(const std::string& own, std::uint64_t bytes, kernel::DmTargetKind kind) {
    const auto made = try_to_make(own, bytes, std::move(kind));
    EXPECT_TRUE(made) << made.error().message();
    return made.value_or(kernel::DeviceNumber{});
}

void RealDevices::remove(const std::string& own) {
    const auto removed = mapper().remove(name(own));
    EXPECT_TRUE(removed) << removed.error().message();
}

}  // namespace varve::device_mapper_test
