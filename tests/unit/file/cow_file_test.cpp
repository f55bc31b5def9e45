// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/cow_file.h"

#include "drivers/base/unique_fd.h"
#include "drivers/kernel/posix_filesystem.h"

#include <endian.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>

namespace varve::file {
namespace {

using base::Bytes;
using base::Errc;

constexpr std::uint64_t chunk = 128 << 10;
constexpr std::uint64_t area = 8192;  // exceptions of one

class CowFile : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(make_cow_file(files_, cow_.get(), state_)); }
    void put(std::uint64_t offset, std::uint64_t value) {
        value = htole64(value);
        ASSERT_EQ(::pwrite(cow_.get(), &value, sizeof value, static_cast<off_t>(offset)), 8);
    }
    void put_word(std::uint64_t offset, std::uint32_t value) {
        value = htole32(value);
        ASSERT_EQ(::pwrite(cow_.get(), &value, sizeof value, static_cast<off_t>(offset)), 4);
    }
    // The n-th of the first area.
    void put_exception(std::uint64_t n, std::uint64_t from, std::uint64_t to) {
        put(chunk + 16 * n, from);
        put(chunk + 16 * n + 8, to);
    }
    void set_size(std::uint64_t bytes) { ASSERT_EQ(::ftruncate(cow_.get(), static_cast<off_t>(bytes)), 0); }
    [[nodiscard]] std::string fault() { return check_cow_file(cow_.get(), state_).error().message(); }

    kernel::PosixFileSystem files_;
    base::UniqueFd cow_{::memfd_create("varve-test", MFD_CLOEXEC)};
    Bytes state_{4 << 20};
};

TEST_F(CowFile, ANewOneHasItsHeaderAndIsSparse) {
    std::array<char, 17> header{};
    ASSERT_EQ(::pread(cow_.get(), header.data(), header.size(), 0), 17);
    EXPECT_EQ(std::string(header.data(), header.size()), std::string("SnAp\1\0\0\0\1\0\0\0\0\1\0\0\0", 17)) << "as Qubes' EMPTY_SNAPSHOT";
    struct stat status {};
    ASSERT_EQ(::fstat(cow_.get(), &status), 0);
    EXPECT_EQ(static_cast<std::uint64_t>(status.st_size), cow_file_size(state_).count);
    EXPECT_LE(status.st_blocks, 8);
    EXPECT_EQ(read_cow_use(cow_.get()).value(), CowUse::Unused);
    EXPECT_EQ(check_cow_file(cow_.get(), state_).value().use, CowUse::Unused);
}

TEST(CowFileSize, HoldsEveryChunkAndItsMetadata) {
    EXPECT_EQ(cow_file_size({0}).count, 2 * chunk);
    EXPECT_EQ(cow_file_size({chunk}).count, 3 * chunk);
    EXPECT_EQ(cow_file_size({512}).count, 3 * chunk + 512);
    EXPECT_EQ(cow_file_size({(area - 1) * chunk}).count, (1 + 1 + area - 1) * chunk);
    EXPECT_EQ(cow_file_size({area * chunk}).count, (1 + 2 + area) * chunk) << "the kernel clears the area behind a full one";
    EXPECT_EQ(cow_file_size({(area + 1) * chunk}).count, (1 + 2 + area + 1) * chunk);
    EXPECT_EQ(cow_file_size({std::uint64_t{10} << 30}).count, (std::uint64_t{10} << 30) + (1 + 11) * chunk);
}

// What persistent_prepare_exception in dm-snap-persistent.c does, until it says that there is no room.
std::uint64_t chunks_that_fit(std::uint64_t cow_bytes) {
    const std::uint64_t size = cow_bytes / 512;
    std::uint64_t next_free = 2;
    std::uint64_t fit = 0;
    while (size >= (next_free + 1) * 256) {
        ++fit;
        if (++next_free % (area + 1) == 1) ++next_free;
    }
    return fit;
}

RC_GTEST_PROP(CowFileSize, IsExactAndTellsTheSizeOfTheState, ()) {
    const auto sectors = *rc::gen::inRange<std::uint64_t>(1, 3 * area * 256);
    const Bytes state{sectors * 512};
    const auto chunks = (state.count + chunk - 1) / chunk;
    const auto cow = cow_file_size(state);
    RC_ASSERT(chunks_that_fit(cow.count) >= chunks);
    RC_ASSERT(chunks_that_fit(cow.count - chunk) < chunks || chunks % area == 0);
    RC_ASSERT(state_size(cow, state).value() == state);
    RC_ASSERT(state_size(cow, {state.count + (std::uint64_t{1} << 40)}).value() == state);
}

TEST(CowFileSize, QubesMakesItAsLargeAsTheImage) {
    EXPECT_EQ(state_size({10 << 20}, {10 << 20}).value(), Bytes{10 << 20});
    EXPECT_EQ(state_size({0}, {10 << 20}).error().code, Errc::Corrupt);
    EXPECT_EQ(state_size({2 * chunk + 512}, {10 << 20}).error().code, Errc::Corrupt) << "a part of a chunk, and no chunk";
    EXPECT_EQ(state_size({3 * chunk + 7}, {10 << 20}).error().code, Errc::Corrupt);
    EXPECT_EQ(state_size({(2 + area) * chunk}, {10 << 20}).error().code, Errc::Corrupt) << "a full area without the next";
}

TEST_F(CowFile, AFileOfZeroesIsANewStore) {
    set_size(0);
    set_size(cow_file_size(state_).count);
    EXPECT_EQ(read_cow_use(cow_.get()).value(), CowUse::Unused);
    EXPECT_EQ(check_cow_file(cow_.get(), state_).value().use, CowUse::Unused);
}

TEST_F(CowFile, ExceptionsAreCounted) {
    put_exception(0, 5, 2);
    put_exception(1, 0, 3);
    EXPECT_EQ(read_cow_use(cow_.get()).value(), CowUse::Changed);
    const auto content = check_cow_file(cow_.get(), state_).value();
    EXPECT_EQ(content.use, CowUse::Changed);
    EXPECT_EQ(content.exceptions, 2U);
}

TEST_F(CowFile, ExceptionsGoOnInTheNextArea) {
    state_ = {2 * area * chunk};
    ASSERT_TRUE(enlarge_cow_file(files_, cow_.get(), state_));
    for (std::uint64_t n = 0; n < area; ++n) put_exception(n, n, n + 2);
    put((area + 2) * chunk, area);
    put((area + 2) * chunk + 8, area + 3);
    EXPECT_EQ(check_cow_file(cow_.get(), state_).value().exceptions, area + 1);
}

TEST_F(CowFile, AnInvalidOneIsToldApart) {
    put_word(4, 0);
    EXPECT_EQ(read_cow_use(cow_.get()).value(), CowUse::Invalid);
    EXPECT_EQ(check_cow_file(cow_.get(), state_).value().use, CowUse::Invalid);
}

TEST_F(CowFile, WhatIsNotOneIsSaidExactly) {
    put_word(0, 0x04034b50);
    EXPECT_EQ(read_cow_use(cow_.get()).error().code, Errc::Corrupt);
    EXPECT_EQ(fault(), "the COW file is damaged: it begins with something else than the header of a snapshot");
    put_word(0, 0x70416e53);
    put_word(8, 2);
    EXPECT_EQ(fault(), "the COW file is damaged: its version is 2, not 1");
    put_word(8, 1);
    put_word(12, 0);
    EXPECT_EQ(fault(), "the COW file is damaged: its chunks have 0 sectors, not 256");
}

TEST_F(CowFile, ATooSmallOneIsRefusedUntilItIsEnlarged) {
    set_size(state_.count);
    EXPECT_EQ(fault(), "the COW file is too small: it has 4194304 bytes, and 4456448 are needed for a state of 4194304");
    ASSERT_TRUE(enlarge_cow_file(files_, cow_.get(), state_));
    EXPECT_TRUE(check_cow_file(cow_.get(), state_));
    set_size(8);
    EXPECT_EQ(read_cow_use(cow_.get()).error().message(), "the COW file is damaged: it is too short for a header");
    set_size(chunk);
    put_word(0, 0x70416e53);
    put_word(4, 1);
    put_word(8, 1);
    put_word(12, 256);
    EXPECT_EQ(read_cow_use(cow_.get()).error().message(), "the COW file is damaged: it is too short for its exceptions");
}

TEST_F(CowFile, ExceptionsThatLeadAstrayAreRefused) {
    put_exception(0, 0, 34);
    EXPECT_EQ(fault(), "the COW file is damaged: it says that chunk 34 is in use, which is beyond its end");
    put_exception(0, 0, 1);
    EXPECT_EQ(fault(), "the COW file is damaged: it keeps data in chunk 1, where its own metadata is");
    put_exception(0, 32, 2);
    EXPECT_EQ(fault(), "the COW file is damaged: it keeps chunk 32 of a state that has only 32");
    put_exception(0, ~std::uint64_t{0}, ~std::uint64_t{0});
    EXPECT_EQ(check_cow_file(cow_.get(), state_).error().code, Errc::Corrupt);
}

TEST_F(CowFile, AListWithoutAnEndIsRefused) {
    for (std::uint64_t n = 0; n < area; ++n) put_exception(n, n % 32, 2 + n % 32);
    EXPECT_EQ(fault(), "the COW file is damaged: its list of exceptions has no end");
}

RC_GTEST_PROP(CowFileNoise, IsReadToAnEnd, (const std::string& header, const std::string& exceptions)) {
    const base::UniqueFd file(::memfd_create("varve-test", MFD_CLOEXEC));
    kernel::PosixFileSystem files;
    RC_ASSERT(bool(make_cow_file(files, file.get(), {4 << 20})));
    const auto at = static_cast<off_t>(*rc::gen::inRange<std::uint64_t>(0, 16));
    RC_ASSERT(::pwrite(file.get(), header.data(), header.size(), at) == static_cast<ssize_t>(header.size()));
    RC_ASSERT(::pwrite(file.get(), exceptions.data(), exceptions.size(), chunk) == static_cast<ssize_t>(exceptions.size()));
    const auto use = read_cow_use(file.get());
    const auto content = check_cow_file(file.get(), {4 << 20});
    if (!use) RC_ASSERT(use.error().code == Errc::Corrupt);
    if (!content) RC_ASSERT(content.error().code == Errc::Corrupt);
}

}  // namespace
}  // namespace varve::file
