// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_loops.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

namespace varve::fakes {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr unsigned loop_major = 7;

Result<base::SectorCount> size_of_part(int file, base::Bytes offset, base::Bytes limit) {
    struct stat status {};
    if (::fstat(file, &status) != 0) return base::fail_errno(errno, "cannot look at a file");
    const auto whole = static_cast<std::uint64_t>(status.st_size);
    const auto part = whole > offset.count ? whole - offset.count : 0;
    return base::SectorCount{(limit.count != 0 ? std::min(part, limit.count) : part) / base::sector_size};
}

}  // namespace

Result<FakeLoopDevice*> FakeLoops::add(int file, const kernel::LoopBacking& backing, const kernel::LoopOptions& options, bool autoclear) {
    base::UniqueFd own(::fcntl(file, F_DUPFD_CLOEXEC, 0));
    if (!own.valid()) return base::fail_errno(errno, "cannot attach a file to a loop device");
    const auto size = TRY(size_of_part(file, options.offset, options.size_limit));
    auto& loops = devices_.loops();
    unsigned number = 0;
    while (loops.contains(number)) ++number;
    const kernel::LoopDevice loop{.number = number,
                                  .device = {loop_major, number},
                                  .backing = backing,
                                  .offset = options.offset,
                                  .size_limit = options.size_limit,
                                  .read_only = options.read_only,
                                  .direct_io = options.direct_io,
                                  .autoclear = autoclear};
    return &loops.emplace(number, FakeLoopDevice{loop, std::move(own), size, 0, devices_.next_serial()}).first->second;
}

Result<kernel::LoopDevice> FakeLoops::attach(int file, const kernel::LoopOptions& options) {
    const auto backing = TRY(backing_of(file));
    return devices_.call(faults_, Effect::Changes,
                         [&]() -> Result<kernel::LoopDevice> { return TRY(add(file, backing, options, false))->loop; });
}

// Whoever dies within the call lets go of it: the kernel closes what a process had open.
Result<kernel::HeldLoop> FakeLoops::attach_held(int file, const kernel::LoopOptions& options) {
    const auto backing = TRY(backing_of(file));
    std::shared_ptr<const void> held;
    const auto loop = devices_.call(faults_, Effect::Changes, [&]() -> Result<kernel::LoopDevice> {
        auto* const added = TRY(add(file, backing, options, true));
        held = devices_.hold(*added);
        return added->loop;
    });
    if (!loop) return base::Failure(loop.error());
    return kernel::HeldLoop{*loop, std::move(held)};
}

Result<kernel::HeldLoop> FakeLoops::hold(kernel::DeviceNumber device) {
    if (device.major != loop_major) return fail(Errc::InvalidArgument, "the device " + device.str() + " is no loop device");
    std::shared_ptr<const void> held;
    const auto loop = devices_.call(faults_, Effect::Reads, [&]() -> Result<kernel::LoopDevice> {
        const auto found = devices_.loops().find(device.minor);
        if (found == devices_.loops().end()) return fail(Errc::NotFound, "no file is attached to the loop device " + device.str());
        held = devices_.hold(found->second);
        return found->second.loop;
    });
    if (!loop) return base::Failure(loop.error());
    return kernel::HeldLoop{*loop, std::move(held)};
}

Result<std::vector<kernel::LoopDevice>> FakeLoops::list() const {
    return devices_.call(faults_, Effect::Reads, [&]() -> Result<std::vector<kernel::LoopDevice>> {
        std::vector<kernel::LoopDevice> all;
        for (const auto& [number, loop] : devices_.loops()) all.push_back(loop.loop);
        return all;
    });
}

Result<> FakeLoops::update_size(const kernel::LoopDevice& loop) {
    return devices_.call(faults_, Effect::Changes, [&]() -> Result<> {
        const auto found = devices_.loops().find(loop.number);
        if (found == devices_.loops().end() || found->second.loop.backing != loop.backing)
            return fail(Errc::NotFound, loop.path().string() + " is no longer attached to that file");
        found->second.size = TRY(size_of_part(found->second.file.get(), loop.offset, loop.size_limit));
        return {};
    });
}

Result<> FakeLoops::detach(const kernel::LoopDevice& loop) {
    return devices_.call(faults_, Effect::Removes, [&]() -> Result<> {
        const auto found = devices_.loops().find(loop.number);
        if (found == devices_.loops().end() || found->second.loop.backing != loop.backing) return {};
        if (found->second.opens + devices_.users_of(loop.device) != 0) return fail(Errc::Busy, loop.path().string() + " is in use");
        devices_.loops().erase(found);
        return {};
    });
}

Result<kernel::LoopBacking> FakeLoops::backing_of(int file) const {
    const auto status = TRY(files_.status(file));
    return kernel::LoopBacking{status.device, status.inode};
}

}  // namespace varve::fakes
