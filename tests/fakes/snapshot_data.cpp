// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/snapshot_data.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <stdexcept>
#include <vector>

namespace varve::fakes {
namespace {

using kernel::DeviceNumber;

constexpr std::uint64_t chunk = 128 * 1024;
using Exception = std::array<std::uint64_t, 2>;  // chunk of what is kept, chunk of the COW file

std::string read_file(int fd, std::uint64_t offset, std::uint64_t length) {
    std::string data(length, '\0');
    (void)!::pread(fd, data.data(), length, static_cast<off_t>(offset));  // zeroes behind the end
    return data;
}

void write_file(int fd, std::uint64_t offset, std::string_view data) {
    if (::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset)) != static_cast<ssize_t>(data.size()))
        throw std::runtime_error("a memory file cannot be written");
}

std::uint64_t size_of_file(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::map<std::uint64_t, std::uint64_t> exceptions_in(int cow) {
    std::map<std::uint64_t, std::uint64_t> all;
    for (std::uint64_t at = chunk; at < 2 * chunk; at += sizeof(Exception)) {
        Exception entry{};
        (void)!::pread(cow, entry.data(), sizeof entry, static_cast<off_t>(at));
        if (entry[1] == 0) break;
        all.emplace(entry[0], entry[1]);
    }
    return all;
}

void add_exception(int cow, std::uint64_t number, std::string_view content) {
    const auto count = exceptions_in(cow).size();
    const Exception entry{number, 2 + count};
    write_file(cow, entry[1] * chunk, content);
    write_file(cow, chunk + count * sizeof entry, {reinterpret_cast<const char*>(entry.data()), sizeof entry});
}

// The devices as they are at one moment. Descriptors stay the loop devices'.
struct Look {
    std::map<std::string, kernel::DmTable> tables;
    std::map<DeviceNumber, std::string> names;
    std::map<DeviceNumber, int> loops;

    explicit Look(FakeBlockDevices& devices) {
        Faults none;
        (void)devices.call(none, Effect::Reads, [&]() -> base::Result<> {
            for (const auto& [name, device] : devices.mapped()) {
                if (!device.live) continue;
                tables.emplace(name, *device.live);
                names.emplace(device.number, name);
            }
            for (const auto& [number, loop] : devices.loops()) loops.emplace(loop.loop.device, loop.file.get());
            return {};
        });
    }

    [[nodiscard]] std::string read(DeviceNumber device) const {
        if (const auto loop = loops.find(device); loop != loops.end()) return read_file(loop->second, 0, size_of_file(loop->second));
        return read(names.at(device));
    }

    [[nodiscard]] std::string read(const std::string& name) const {
        const auto found = tables.find(name);
        if (found == tables.end()) return {};
        std::string content;
        for (const auto& target : found->second.targets()) content += read(target);
        return content;
    }

    [[nodiscard]] std::string read(const kernel::DmTarget& target) const {
        const auto length = target.length.count * base::sector_size;
        if (const auto* linear = std::get_if<kernel::LinearTarget>(&target.kind)) return sized(read(linear->device), length);
        if (const auto* origin = std::get_if<kernel::SnapshotOriginTarget>(&target.kind)) return sized(read(origin->origin), length);
        const auto& snapshot = std::get<kernel::SnapshotTarget>(target.kind);
        auto content = sized(read(snapshot.origin), length);
        const int cow = loops.at(snapshot.cow);
        for (const auto& [from, to] : exceptions_in(cow)) {
            if (from * chunk >= length) continue;
            const auto count = std::min(chunk, length - from * chunk);
            content.replace(from * chunk, count, read_file(cow, to * chunk, count));
        }
        return content;
    }

    static std::string sized(std::string content, std::uint64_t length) {
        content.resize(length);
        return content;
    }
};

}  // namespace

std::string SnapshotData::read(const std::string& name) const { return Look(devices_).read(name); }

void SnapshotData::write(const std::string& name, std::uint64_t offset, std::string_view data) {
    const Look look(devices_);
    const auto& target = look.tables.at(name).targets().front();
    const auto first = offset / chunk;
    const auto last = (offset + data.size() - 1) / chunk;
    if (const auto* origin = std::get_if<kernel::SnapshotOriginTarget>(&target.kind)) {
        const int image = look.loops.at(origin->origin);
        for (const auto& [other, table] : look.tables) {
            const auto* snapshot = std::get_if<kernel::SnapshotTarget>(&table.targets().front().kind);
            if (snapshot == nullptr || snapshot->origin != origin->origin) continue;
            const int cow = look.loops.at(snapshot->cow);
            for (auto number = first; number <= last; ++number)
                if (number * chunk < table.size().count * base::sector_size && !exceptions_in(cow).contains(number))
                    add_exception(cow, number, read_file(image, number * chunk, chunk));
            (void)files_.sync(cow);  // one that has lost its name has nothing to lose
        }
        return write_file(image, offset, data);
    }
    const int cow = look.loops.at(std::get<kernel::SnapshotTarget>(target.kind).cow);
    auto content = look.read(name);
    content.replace(offset, data.size(), data);
    content.resize((content.size() + chunk - 1) / chunk * chunk);
    for (auto number = first; number <= last; ++number) {
        const auto there = exceptions_in(cow);
        const auto kept = std::string_view(content).substr(number * chunk, chunk);
        if (const auto found = there.find(number); found != there.end())
            write_file(cow, found->second * chunk, kept);
        else
            add_exception(cow, number, kept);
    }
    (void)files_.sync(cow);
}

base::Result<base::UniqueFd> SnapshotNodes::open(const kernel::DmName& name, kernel::DeviceNumber) const {
    const auto content = data_.read(name.str());
    if (content.empty()) return base::fail(base::Errc::NotFound, "there is no node of '" + name.str() + "'");
    base::UniqueFd file(::memfd_create("varve-device", MFD_CLOEXEC));
    write_file(file.get(), 0, content);
    return file;
}

}  // namespace varve::fakes
