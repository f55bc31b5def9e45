// SPDX-License-Identifier: LGPL-2.1-or-later
// What every DeviceMapper promises: one suite for the fake (tests/unit/kernel) and the real one (tests/guest/device_mapper). A program that
// builds device_mapper_contract.cpp instantiates DeviceMapperContract with a maker of its world.
#pragma once

#include "drivers/kernel/device_mapper.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

namespace varve::test_support {

// A device-mapper, and what others do with its devices.
class DeviceMapperWorld {
public:
    virtual ~DeviceMapperWorld() = default;
    DeviceMapperWorld() = default;
    DeviceMapperWorld(const DeviceMapperWorld&) = delete;
    DeviceMapperWorld& operator=(const DeviceMapperWorld&) = delete;

    [[nodiscard]] virtual kernel::DeviceMapper& mapper() = 0;
    // A block device full of zeroes.
    [[nodiscard]] virtual kernel::DeviceNumber make_disk(base::SectorCount size) = 0;
    // Somebody opens a device of the mapper's, and closes it again.
    virtual void open(const kernel::DmName& name) = 0;
    virtual void close(const kernel::DmName& name) = 0;
};

struct MakeDeviceMapperWorld {
    const char* name;
    std::function<std::unique_ptr<DeviceMapperWorld>()> make;
    friend void PrintTo(const MakeDeviceMapperWorld& maker, std::ostream* out) { *out << maker.name; }
};

class DeviceMapperContract : public testing::TestWithParam<MakeDeviceMapperWorld> {
protected:
    void SetUp() override { world_ = GetParam().make(); }
    // Removes all devices that the test has made.
    void TearDown() override;

    [[nodiscard]] kernel::DeviceMapper& mapper() { return world_->mapper(); }
    [[nodiscard]] DeviceMapperWorld& world() { return *world_; }
    [[nodiscard]] static kernel::DmName name(const std::string& own) { return kernel::DmName::parse("varve-test-" + own).value(); }
    [[nodiscard]] static kernel::DmUuid uuid(const std::string& own) { return kernel::uuid_in_pool("test", own).value(); }
    [[nodiscard]] static kernel::DmTable linear(kernel::DeviceNumber disk, std::uint64_t sectors, std::uint64_t offset = 0);
    // A running device over a disk of its own.
    kernel::DeviceNumber make(const std::string& own);
    [[nodiscard]] kernel::DmInfo info(const std::string& own);

private:
    std::unique_ptr<DeviceMapperWorld> world_;
};

}  // namespace varve::test_support
