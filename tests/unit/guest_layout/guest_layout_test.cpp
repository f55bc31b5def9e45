// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/guest_layout/guest_layout.h"

#include "drivers/base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <string>
#include <vector>

namespace varve::guest_layout {
namespace {

using base::Bytes;
using base::Errc;

constexpr std::uint64_t mebibyte = 1 << 20;

Bytes mebibytes(std::uint64_t count) { return Bytes{count * mebibyte}; }

base::UniqueFd image(Bytes size) {
    base::UniqueFd file(::memfd_create("volume", MFD_CLOEXEC));
    EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size.count)), 0);
    return file;
}

std::vector<unsigned char> first_sector(int file) {
    std::vector<unsigned char> sector(512);
    EXPECT_EQ(::pread(file, sector.data(), sector.size(), 0), 512);
    return sector;
}

// An entry of the table, as the format has it: type at 4, first sector at 8, number of sectors at 12, little-endian.
struct Entry {
    unsigned type;
    std::uint64_t start;  // sectors
    std::uint64_t size;
    friend bool operator==(const Entry&, const Entry&) = default;
};

Entry entry(const std::vector<unsigned char>& sector, std::size_t number) {
    const auto at = 446 + 16 * number;
    const auto word = [&](std::size_t offset) {
        std::uint64_t value = 0;
        for (std::size_t byte = 4; byte-- > 0;) value = value << 8 | sector.at(at + offset + byte);
        return value;
    };
    return {sector.at(at + 4), word(8), word(12)};
}

TEST(GuestLayout, TheChangesComeFirstAndTheSwapIsTheEnd) {
    const auto layout = plan(mebibytes(12 * 1024), mebibytes(1024));
    ASSERT_TRUE(layout) << layout.error().message();
    EXPECT_EQ(layout->changes, (Partition{mebibytes(1), mebibytes(12 * 1024 - 1024 - 1)}));
    EXPECT_EQ(layout->swap, (Partition{mebibytes(11 * 1024), mebibytes(1024)}));
}

TEST(GuestLayout, PartitionsAreWholeMebibytesWhateverTheSizes) {
    const auto layout = plan(Bytes{10 * mebibyte + 512}, Bytes{2 * mebibyte + 1});
    ASSERT_TRUE(layout) << layout.error().message();
    EXPECT_EQ(layout->changes, (Partition{mebibytes(1), mebibytes(6)}));
    EXPECT_EQ(layout->swap, (Partition{mebibytes(7), mebibytes(3)}));
}

TEST(GuestLayout, SizesThatDoNotFitAreRefused) {
    EXPECT_EQ(plan(mebibytes(10), Bytes{0}).error().code, Errc::InvalidArgument);
    EXPECT_EQ(plan(mebibytes(10), mebibytes(9)).error().code, Errc::InvalidArgument);
    EXPECT_TRUE(plan(mebibytes(10), mebibytes(8)));
    EXPECT_EQ(plan(mebibytes(2), Bytes{1}).error().code, Errc::InvalidArgument);
    EXPECT_EQ(plan(Bytes{0}, Bytes{1}).error().code, Errc::InvalidArgument);
    EXPECT_EQ(plan(mebibytes(10), Bytes{~std::uint64_t{0}}).error().code, Errc::InvalidArgument);
    EXPECT_EQ(plan(Bytes{(std::uint64_t{1} << 41) + 512}, mebibytes(8)).error().code, Errc::TooLarge);
}

TEST(GuestLayout, TheTableIsWrittenAndNothingElse) {
    const auto volume = image(mebibytes(64));
    const auto layout = ensure_layout(volume.get(), mebibytes(16));
    ASSERT_TRUE(layout) << layout.error().message();
    const auto sector = first_sector(volume.get());
    EXPECT_EQ(entry(sector, 0), (Entry{0x83, 2048, 47 * 2048}));
    EXPECT_EQ(entry(sector, 1), (Entry{0x82, 48 * 2048, 16 * 2048}));
    EXPECT_EQ(entry(sector, 2), (Entry{0, 0, 0}));
    EXPECT_EQ(sector.at(510), 0x55);
    EXPECT_EQ(sector.at(511), 0xaa);
    EXPECT_EQ(::lseek(volume.get(), 4096, SEEK_DATA), -1) << "something was written behind the table";
}

TEST(GuestLayout, AVolumeOfTwoTebibytesHasOne) {
    const Bytes size{std::uint64_t{1} << 41};
    const auto volume = image(size);
    ASSERT_TRUE(ensure_layout(volume.get(), mebibytes(1024)));
    EXPECT_EQ(entry(first_sector(volume.get()), 1).start, (std::uint64_t{1} << 32) - 1024 * 2048);
}

TEST(GuestLayout, WhatIsThereAlreadyStays) {
    const auto volume = image(mebibytes(64));
    ASSERT_TRUE(ensure_layout(volume.get(), mebibytes(16)));
    const auto before = first_sector(volume.get());
    const auto again = ensure_layout(volume.get(), mebibytes(16));
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(first_sector(volume.get()), before);
}

TEST(GuestLayout, AnotherTableIsNotReplaced) {
    const auto volume = image(mebibytes(64));
    ASSERT_TRUE(ensure_layout(volume.get(), mebibytes(16)));
    const auto before = first_sector(volume.get());
    EXPECT_EQ(ensure_layout(volume.get(), mebibytes(8)).error().code, Errc::Exists);
    EXPECT_EQ(first_sector(volume.get()), before);
}

TEST(GuestLayout, AFileSystemIsNotOverwritten) {
    const auto volume = image(mebibytes(64));
    const std::array<char, 2> magic{'\x53', '\xef'};
    ASSERT_EQ(::pwrite(volume.get(), magic.data(), magic.size(), 1024 + 56), 2);  // where ext4 has it
    EXPECT_EQ(ensure_layout(volume.get(), mebibytes(16)).error().code, Errc::Exists);
    EXPECT_EQ(first_sector(volume.get()), std::vector<unsigned char>(512));
}

TEST(GuestLayout, OnlyDevicesAndImages) {
    const base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    EXPECT_EQ(ensure_layout(null.get(), mebibytes(1)).error().code, Errc::InvalidArgument);
    EXPECT_FALSE(ensure_layout(-1, mebibytes(1)));
}

TEST(GuestLayout, AVolumeThatCannotBeWrittenIsAnError) {
    const auto volume = image(mebibytes(64));
    const base::UniqueFd reading(::open(("/proc/self/fd/" + std::to_string(volume.get())).c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(reading.valid());
    EXPECT_FALSE(ensure_layout(reading.get(), mebibytes(16)));
    EXPECT_EQ(first_sector(volume.get()), std::vector<unsigned char>(512));
}

}  // namespace
}  // namespace varve::guest_layout
