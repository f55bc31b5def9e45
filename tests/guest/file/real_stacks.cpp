// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/guest/file/real_stacks.h"

#include "tests/guest/device_mapper/real_devices.h"
#include "tests/support/waiting.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

namespace varve::file {
namespace {

struct Free {
    void operator()(char* memory) const { std::free(memory); }  // NOLINT: what aligned_alloc gives
};
using Aligned = std::unique_ptr<char, Free>;

Aligned aligned(std::uint64_t length) { return Aligned(static_cast<char*>(std::aligned_alloc(block, length))); }

base::UniqueFd new_cow(base::Bytes state, const Place& place) {
    kernel::PosixFileSystem files;
    auto cow = new_file(0, place);
    EXPECT_TRUE(make_cow_file(files, cow.get(), state));
    return cow;
}

}  // namespace

base::UniqueFd new_file(std::uint64_t bytes, const Place& place) {
    base::UniqueFd file(place ? ::open(place->c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : ::memfd_create("varve-test", MFD_CLOEXEC));
    EXPECT_TRUE(file.valid()) << std::strerror(errno);
    EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(bytes)), 0);
    return file;
}

std::string content_of(int fd) {
    std::string content;
    const auto buffer = aligned(mib);
    while (true) {
        const auto got = ::pread(fd, buffer.get(), mib, static_cast<off_t>(content.size()));
        if (got < 0) return "cannot be read: " + std::string(std::strerror(errno));
        if (got == 0) return content;
        content.append(buffer.get(), static_cast<std::size_t>(got));
    }
}

std::string content_of(const std::filesystem::path& device) {
    const base::UniqueFd fd(::open(device.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
    EXPECT_TRUE(fd.valid()) << device << ": " << std::strerror(errno);
    return content_of(fd.get());
}

std::string difference(const std::string& seen, const std::string& expected) {
    if (seen == expected) return {};
    if (seen.size() != expected.size())
        return std::to_string(seen.size()) + " bytes instead of " + std::to_string(expected.size()) + ": " + seen.substr(0, 60);
    const auto at = std::ranges::mismatch(seen, expected).in1 - seen.begin();
    return "other bytes from " + std::to_string(at) + " on";
}

std::string pattern(std::uint64_t bytes, unsigned seed) {
    std::string content(bytes, '\0');
    std::mt19937 random(seed);
    for (std::uint64_t at = 0; at < bytes; at += 4) {
        const auto word = random();
        std::memcpy(content.data() + at, &word, 4);
    }
    return content;
}

std::uint64_t size_of_device(int fd) {
    std::uint64_t bytes = 0;
    EXPECT_EQ(::ioctl(fd, BLKGETSIZE64, &bytes), 0);
    return bytes;
}

Guest::Guest(std::filesystem::path device, std::string content)
    : device_(std::move(device)), content_(std::move(content)), fd_(::open(device_.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)) {
    EXPECT_TRUE(fd_.valid()) << device_ << ": " << std::strerror(errno);
}

void Guest::write(std::uint64_t offset, const std::string& data) {
    const auto buffer = aligned(data.size());
    std::memcpy(buffer.get(), data.data(), data.size());
    EXPECT_EQ(::pwrite(fd_.get(), buffer.get(), data.size(), static_cast<off_t>(offset)), static_cast<ssize_t>(data.size()))
        << device_ << ": " << std::strerror(errno);
    content_.replace(offset, data.size(), data);
}

void Guest::write_anywhere(std::mt19937& random, std::uint64_t end) {
    const auto blocks = end / block;
    const auto first = random() % blocks;
    const auto count = 1 + random() % std::min<std::uint64_t>(48, blocks - first);
    write(first * block, pattern(count * block, static_cast<unsigned>(random())));
}

void Guest::expect_its_content(const std::string& who) const { EXPECT_EQ(difference(content_of(device_), content_), "") << who; }

TestVolume::TestVolume(std::string volume, const std::string& content, Place where)
    : name(std::move(volume)),
      place(std::move(where)),
      image(new_file(0, place)),
      cow(new_cow({content.size()}, place)),
      size{content.size()} {
    kernel::PosixFileSystem files;
    EXPECT_TRUE(files.write_all(image.get(), content));
}

void TestVolume::commit() {
    old_cow = std::exchange(cow, new_cow(size, place));
    old_size = size;
}

TestSnapshot::TestSnapshot(std::string volume, base::Bytes state, const Place& place)
    : name(std::move(volume)), cow(new_cow(state, place)), size(state) {}

void RealStacks::TearDown() {
    const auto recovered = stacks().recover();
    EXPECT_TRUE(recovered) << recovered.error().message();
    expect_nothing_left();
}

Guest RealStacks::start_origin(const TestVolume& volume, const std::string& content) {
    const auto started = stacks().start_origin(volume.files());
    EXPECT_TRUE(started) << started.error().message();
    return {started->path(), content};
}

Guest RealStacks::start_snapshot(const TestVolume& source, const TestSnapshot& vm, const std::string& content) {
    const auto started = stacks().start_snapshot(source.files(), vm.own());
    EXPECT_TRUE(started) << started.error().message();
    return {started->path(), content};
}

void RealStacks::stop_origin(TestVolume& volume, Guest& guest) {
    guest.close();
    const auto stopped = stacks().stop_origin(volume.name, volume.image.get());
    ASSERT_TRUE(stopped) << stopped.error().message();
    EXPECT_EQ(difference(content_of(volume.image.get()), guest.content()), "") << "the image";
    volume.size = {guest.content().size()};
    volume.commit();
}

void RealStacks::stop_snapshot(const TestSnapshot& vm, Guest& guest) {
    guest.close();
    const auto stopped = stacks().stop_snapshot(vm.name, vm.cow.get());
    EXPECT_TRUE(stopped) << stopped.error().message();
}

void RealStacks::expect_state(const TestVolume& volume, const std::string& content, const std::string& what) {
    const auto view = stacks().open_state(volume.files());
    ASSERT_TRUE(view) << what << ": " << view.error().message();
    EXPECT_EQ(difference(content_of(view->get()), content), "") << what;
}

void RealStacks::expect_revision(const TestVolume& volume, const std::string& content, const std::string& what) {
    const auto view = stacks().open_revision(volume.files(), volume.old());
    ASSERT_TRUE(view) << what << ": " << view.error().message();
    EXPECT_EQ(difference(content_of(view->get()), content), "") << what;
}

void RealStacks::expect_nothing_left() {
    EXPECT_TRUE(test_support::eventually([&] { return devices() == 0 && loops_.list().value().size() == loops_before_; }))
        << devices() << " devices, " << loops_.list().value().size() << " loop devices, before " << loops_before_;
}

}  // namespace varve::file
