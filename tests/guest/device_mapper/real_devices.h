// SPDX-License-Identifier: LGPL-2.1-or-later
// Real devices for a test, which go with the object.
#pragma once

#include "drivers/base/unique_fd.h"
#include "drivers/kernel/dm_steps.h"
#include "drivers/kernel/libdevmapper.h"
#include "drivers/kernel/loop_control.h"
#include "tests/support/device_mapper_contract.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace varve::device_mapper_test {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
[[nodiscard]] constexpr base::SectorCount sectors(std::uint64_t bytes) { return {bytes / base::sector_size}; }

// Past the page cache, so that every read is what is on the device. Offsets and lengths in whole blocks of 4 KiB.
void write_at(const std::filesystem::path& device, std::uint64_t offset, std::uint64_t length, char letter);
[[nodiscard]] bool can_write_at(const std::filesystem::path& device, std::uint64_t offset, std::uint64_t length, char letter);
// The one letter that is everywhere there, '?' when there are several, '!' when it cannot be read.
[[nodiscard]] char read_at(const std::filesystem::path& device, std::uint64_t offset, std::uint64_t length);

// A loop device over a file of its own, in memory.
class Disk {
public:
    explicit Disk(std::uint64_t bytes);
    ~Disk();
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    [[nodiscard]] kernel::DeviceNumber number() const { return loop_.device; }
    [[nodiscard]] std::filesystem::path path() const { return loop_.path(); }
    void grow(std::uint64_t bytes);

private:
    kernel::LoopControl loops_;
    base::UniqueFd file_;
    kernel::LoopDevice loop_;
};

class RealDeviceMapperWorld final : public test_support::DeviceMapperWorld {
public:
    kernel::DeviceMapper& mapper() override { return mapper_; }
    kernel::DeviceNumber make_disk(base::SectorCount size) override;
    void open(const kernel::DmName& name) override;
    void close(const kernel::DmName& name) override { opened_.erase(name.str()); }

private:
    kernel::LibDeviceMapper mapper_;
    std::vector<std::unique_ptr<Disk>> disks_;
    std::map<std::string, base::UniqueFd> opened_;
};

// Devices by short names, all removed at the end.
class RealDevices : public testing::Test {
protected:
    void TearDown() override;

    [[nodiscard]] static kernel::DmName name(const std::string& own) { return kernel::DmName::parse("varve-test-" + own).value(); }
    [[nodiscard]] static std::filesystem::path node(const std::string& own) { return kernel::DeviceMapper::node_path(name(own)); }
    [[nodiscard]] Disk& make_disk(std::uint64_t bytes) { return *disks_.emplace_back(std::make_unique<Disk>(bytes)); }
    // Fails the test when it cannot be made.
    kernel::DeviceNumber make(const std::string& own, std::uint64_t bytes, kernel::DmTargetKind kind);
    [[nodiscard]] base::Result<kernel::DeviceNumber> try_to_make(const std::string& own, std::uint64_t bytes, kernel::DmTargetKind kind);
    void remove(const std::string& own);
    [[nodiscard]] kernel::DeviceMapper& mapper() { return mapper_; }

private:
    kernel::LibDeviceMapper mapper_;
    std::vector<std::unique_ptr<Disk>> disks_;
};

}  // namespace varve::device_mapper_test
