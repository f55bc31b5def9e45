// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_block_devices.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace varve::fakes {
namespace {

using kernel::DeviceNumber;

constexpr unsigned disk_major = 8;
constexpr unsigned mapper_major = 253;

bool stands_on(const std::optional<kernel::DmTable>& table, DeviceNumber device) {
    return table && std::ranges::count(table->devices(), device) != 0;
}

}  // namespace

DeviceNumber FakeBlockDevices::add_disk(base::SectorCount size) {
    const std::lock_guard lock(mutex_);
    const DeviceNumber number{disk_major, static_cast<unsigned>(disks_.size())};
    disks_.emplace(number, size);
    return number;
}

void FakeBlockDevices::open(DeviceNumber device) {
    const std::lock_guard lock(mutex_);
    for (auto& [number, loop] : loops_)
        if (loop.loop.device == device) ++loop.opens;
    for (auto& [name, mapped] : mapped_)
        if (mapped.number == device) ++mapped.opens;
}

void FakeBlockDevices::close(DeviceNumber device) {
    const std::lock_guard lock(mutex_);
    const auto close_one = [](std::uint32_t& opens) {
        if (opens == 0) throw std::logic_error("a device is closed that is not open");
        --opens;
    };
    for (auto& [number, loop] : loops_)
        if (loop.loop.device == device) close_one(loop.opens);
    for (auto& [name, mapped] : mapped_)
        if (mapped.number == device) close_one(mapped.opens);
    sweep();
}

void FakeBlockDevices::set_status(const std::string& name, std::string text) {
    const std::lock_guard lock(mutex_);
    mapped_.at(name).status = std::move(text);
}

void FakeBlockDevices::reboot() {
    const std::lock_guard lock(mutex_);
    mapped_.clear();
    loops_.clear();
}

void FakeBlockDevices::set_device_mapper_there(bool there) {
    const std::lock_guard lock(mutex_);
    device_mapper_there_ = there;
}

void FakeBlockDevices::set_target_there(const std::string& type, bool there) {
    const std::lock_guard lock(mutex_);
    if (there)
        targets_.insert(type);
    else
        targets_.erase(type);
}

bool FakeBlockDevices::has_target(const std::string& type) const { return targets_.contains(type); }

DeviceNumber FakeBlockDevices::next_mapped() { return {mapper_major, next_minor_++}; }

std::optional<base::SectorCount> FakeBlockDevices::size_of(DeviceNumber device) const {
    if (const auto disk = disks_.find(device); disk != disks_.end()) return disk->second;
    for (const auto& [number, loop] : loops_)
        if (loop.loop.device == device) return loop.size;
    for (const auto& [name, mapped] : mapped_)
        if (mapped.number == device && mapped.live) return mapped.live->size();
    return std::nullopt;
}

std::uint32_t FakeBlockDevices::users_of(DeviceNumber device) const {
    std::uint32_t users = 0;
    for (const auto& [name, mapped] : mapped_) {
        if (stands_on(mapped.live, device)) ++users;
        if (stands_on(mapped.inactive, device)) ++users;
    }
    return users;
}

void FakeBlockDevices::sweep() {
    const auto goes = [&](const auto& entry) {
        const auto& device = entry.second;
        return device.removed_when_unused && device.opens == 0 && users_of(device.number) == 0;
    };
    for (auto found = std::ranges::find_if(mapped_, goes); found != mapped_.end(); found = std::ranges::find_if(mapped_, goes)) {
        if (found->second.live) note_order(*found->second.live);
        mapped_.erase(found);
    }
    std::erase_if(loops_, [&](const auto& entry) {
        const auto& device = entry.second;
        return device.loop.autoclear && device.opens == 0 && users_of(device.loop.device) == 0;
    });
}

void FakeBlockDevices::note_order(const kernel::DmTable& table) {
    for (const auto& target : table.targets()) {
        const auto* const snapshot = std::get_if<kernel::SnapshotTarget>(&target.kind);
        if (snapshot == nullptr) continue;
        for (const auto& [name, mapped] : mapped_)
            if (mapped.live && !mapped.suspended && std::ranges::any_of(mapped.live->targets(), [&](const kernel::DmTarget& other) {
                    return other.kind == kernel::DmTargetKind(kernel::SnapshotOriginTarget{snapshot->origin});
                }))
                forbidden_.push_back("a snapshot over " + snapshot->origin.str() + " came or went while '" + name + "' ran");
    }
}

std::vector<std::string> FakeBlockDevices::forbidden() const {
    const std::lock_guard lock(mutex_);
    return forbidden_;
}

std::shared_ptr<const void> FakeBlockDevices::hold(FakeLoopDevice& loop) {
    ++loop.opens;
    return {&loop, [this, number = loop.loop.number, serial = loop.serial](const void*) { let_go(number, serial); }};
}

void FakeBlockDevices::let_go(unsigned number, std::uint64_t serial) {
    const std::lock_guard lock(mutex_);
    const auto found = loops_.find(number);
    if (found == loops_.end() || found->second.serial != serial) return;  // the kernel has started again
    --found->second.opens;
    sweep();
}

}  // namespace varve::fakes
