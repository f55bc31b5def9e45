// SPDX-License-Identifier: LGPL-2.1-or-later
// Stacks on real devices, and guests that write to them.
#pragma once

#include "drivers/base/unique_fd.h"
#include "drivers/file/stacks.h"
#include "drivers/kernel/libdevmapper.h"
#include "drivers/kernel/loop_control.h"
#include "drivers/kernel/posix_filesystem.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace varve::file {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr std::uint64_t block = 4096;
inline const std::string test_pool = "0b5e7c6a-1d3f-4a57-9f0e-3c2b1a09f8e7";

// Without a name; in that directory, or in memory.
using Place = std::optional<std::filesystem::path>;
[[nodiscard]] base::UniqueFd new_file(std::uint64_t bytes, const Place& place = {});
// The whole of an open file or device from its beginning.
[[nodiscard]] std::string content_of(int fd);
[[nodiscard]] std::string content_of(const std::filesystem::path& device);  // past the page cache
// Where two contents differ, for messages; empty when they do not.
[[nodiscard]] std::string difference(const std::string& seen, const std::string& expected);
// Different in every block, so that one in the wrong place is noticed.
[[nodiscard]] std::string pattern(std::uint64_t bytes, unsigned seed);
[[nodiscard]] std::uint64_t size_of_device(int fd);

// A VM that writes to its disk and knows what it wrote.
class Guest {
public:
    Guest(std::filesystem::path device, std::string content);
    void write(std::uint64_t offset, const std::string& data);
    // Some blocks somewhere below `end`.
    void write_anywhere(std::mt19937& random, std::uint64_t end);
    void expect_its_content(const std::string& who) const;
    [[nodiscard]] const std::string& content() const { return content_; }
    void grow(std::uint64_t bytes) { content_.resize(bytes, '\0'); }
    [[nodiscard]] int fd() const { return fd_.get(); }
    // It halts: the device is closed.
    void close() { fd_.reset(); }

private:
    std::filesystem::path device_;
    std::string content_;
    base::UniqueFd fd_;
};

struct TestVolume {
    TestVolume(std::string volume, const std::string& content, Place where = {});
    [[nodiscard]] StateFiles files() const { return {name, image.get(), cow.get(), size}; }
    [[nodiscard]] CowOver old() const { return {name, old_cow.get(), old_size}; }
    void commit();

    std::string name;
    Place place;
    base::UniqueFd image;
    base::UniqueFd cow;
    base::UniqueFd old_cow{};
    base::Bytes size;
    base::Bytes old_size{};
};

struct TestSnapshot {
    TestSnapshot(std::string volume, base::Bytes size, const Place& place = {});
    [[nodiscard]] CowOver own() const { return {name, cow.get(), size}; }
    std::string name;
    base::UniqueFd cow;
    base::Bytes size;
};

// A pool's devices, all gone at the end.
class RealStacks : public testing::Test {
protected:
    void SetUp() override { count_loops(); }
    void TearDown() override;

    [[nodiscard]] Stacks& stacks() { return *stacks_; }
    [[nodiscard]] kernel::LibDeviceMapper& own_mapper() { return mapper_; }
    [[nodiscard]] kernel::DeviceMapper& mapper() { return mapper_; }
    // The next process.
    void restart() { stacks_ = std::make_unique<Stacks>(mapper_, loops_, nodes_, test_pool); }
    [[nodiscard]] Guest start_origin(const TestVolume& volume, const std::string& content);
    [[nodiscard]] Guest start_snapshot(const TestVolume& source, const TestSnapshot& vm, const std::string& content);
    void stop_origin(TestVolume& volume, Guest& guest);
    void stop_snapshot(const TestSnapshot& vm, Guest& guest);
    void expect_state(const TestVolume& volume, const std::string& content, const std::string& what);
    void expect_revision(const TestVolume& volume, const std::string& content, const std::string& what);
    // From here on others' loop devices are those that there are now.
    void count_loops() { loops_before_ = loops_.list().value().size(); }
    // The kernel removes what nobody uses a little later.
    void expect_nothing_left();
    [[nodiscard]] std::size_t devices() { return mapper().list(kernel::pool_uuid_prefix(test_pool)).value().size(); }

private:
    kernel::LibDeviceMapper mapper_;
    kernel::LoopControl loops_;
    MapperNodes nodes_;
    std::unique_ptr<Stacks> stacks_ = std::make_unique<Stacks>(mapper_, loops_, nodes_, test_pool);
    std::size_t loops_before_ = 0;
};

}  // namespace varve::file
