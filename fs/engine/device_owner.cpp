// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/device_owner.h"

#include "drivers/base/unique_fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace varve::engine {
namespace {

using base::Result;

constexpr uid_t root = 0;
constexpr mode_t permissions = 07777;

struct Device {
    base::UniqueFd fd;  // O_PATH: opens nothing, so that no lease breaks and no rule of udev's runs
    DeviceHolder holder;
};

Result<Device> find(const std::filesystem::path& path) {
    Device device{base::UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC)), {}};
    struct stat status {};
    if (!device.fd.valid() || ::fstat(device.fd.get(), &status) != 0)
        return base::fail_errno(errno, "cannot look at the device " + path.string());
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return base::fail(base::Errc::Corrupt, path.string() + " is neither an image nor a block device");
    device.holder = {status.st_uid, status.st_gid, status.st_mode & permissions};
    return device;
}

// The mode last: it is whoever owns the device who may change it.
Result<> give(const Device& device, const DeviceHolder& holder, const std::filesystem::path& path) {
    const auto own = "/proc/self/fd/" + std::to_string(device.fd.get());  // fchmod(2) takes no O_PATH descriptor
    if (::fchownat(device.fd.get(), "", holder.uid, holder.gid, AT_EMPTY_PATH) == 0 && ::chmod(own.c_str(), holder.mode) == 0) return {};
    return base::fail_errno(errno, "cannot change whose the device " + path.string() + " is");
}

}  // namespace

Result<DeviceHolder> holder_of(const std::filesystem::path& device) { return TRY(find(device)).holder; }

Result<> hand_over(const std::filesystem::path& device, const api::Ownership& owner) {
    if (owner.uid == root || (owner.mode & S_IWUSR) == 0) return {};
    const auto found = TRY(find(device));
    return give(found, {owner.uid, found.holder.gid, found.holder.mode}, device);
}

Result<DeviceHolder> take_back(const std::filesystem::path& device) {
    const auto found = TRY(find(device));
    if (found.holder.uid != root) TRY(give(found, {root, root, S_IRUSR | S_IWUSR}, device));
    return found.holder;
}

Result<> give_again(const std::filesystem::path& device, const DeviceHolder& holder) { return give(TRY(find(device)), holder, device); }

}  // namespace varve::engine
