// SPDX-License-Identifier: LGPL-2.1-or-later
// A kernel in memory, processes that make stacks in it, and files to stand on.
#pragma once

#include "drivers/file/stacks.h"
#include "drivers/kernel/posix_filesystem.h"
#include "tests/fakes/fake_device_mapper.h"
#include "tests/fakes/fake_loops.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace varve::file {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
inline const std::string test_pool = "0b5e7c6a-1d3f-4a57-9f0e-3c2b1a09f8e7";

// Opens devices by memory files, and closes them when those are closed.
class FakeNodes final : public DeviceNodes {
public:
    FakeNodes(fakes::FakeBlockDevices& devices, fakes::Faults& faults) : devices_(devices), faults_(faults) {}
    ~FakeNodes() override;

    [[nodiscard]] base::Result<base::UniqueFd> open(const kernel::DmName& name, kernel::DeviceNumber device) const override;
    // The kernel notices what was closed.
    void notice_closed();

private:
    struct Opened {
        int fd;
        std::uint64_t inode;
        kernel::DeviceNumber device;
    };
    fakes::FakeBlockDevices& devices_;
    fakes::Faults& faults_;
    mutable std::vector<Opened> opened_;
};

// One process of the pool. Its end closes what it had open.
struct StacksProcess {
    explicit StacksProcess(fakes::FakeBlockDevices& devices)
        : own_mapper(devices, faults), loops(devices, files, faults), nodes(devices, faults), stacks(own_mapper, loops, nodes, test_pool) {}

    fakes::Faults faults;
    kernel::PosixFileSystem files;
    fakes::FakeDeviceMapper own_mapper;
    kernel::DeviceMapper& mapper = own_mapper;
    fakes::FakeLoops loops;
    FakeNodes nodes;
    Stacks stacks;
};

[[nodiscard]] base::UniqueFd new_file(std::uint64_t bytes);
[[nodiscard]] base::UniqueFd new_cow(std::uint64_t state_bytes);

// An origin volume: its image and its present COW file.
struct TestVolume {
    explicit TestVolume(std::string volume, std::uint64_t bytes = 4 * mib)
        : name(std::move(volume)), image(new_file(bytes)), cow(new_cow(bytes)), size{bytes} {}

    std::string name;
    base::UniqueFd image;
    base::UniqueFd cow;
    base::UniqueFd old_cow{};
    base::Bytes size;
    base::Bytes old_size{};

    [[nodiscard]] StateFiles files() const { return {name, image.get(), cow.get(), size}; }
    [[nodiscard]] CowOver old() const { return {name, old_cow.get(), old_size}; }
    // As a commit does, when the origin is stopped.
    void commit();
};

struct TestSnapshot {
    explicit TestSnapshot(std::string volume, std::uint64_t bytes = 4 * mib) : name(std::move(volume)), cow(new_cow(bytes)), size{bytes} {}
    std::string name;
    base::UniqueFd cow;
    base::Bytes size;
    [[nodiscard]] CowOver own() const { return {name, cow.get(), size}; }
};

// All devices as one text: names, what they stand on, how they are.
[[nodiscard]] std::string picture_of(fakes::FakeBlockDevices& devices);

}  // namespace varve::file
