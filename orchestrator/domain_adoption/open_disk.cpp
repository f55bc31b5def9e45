// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_adoption/open_disk.h"

#include "orchestrator/domain_adoption/as_stated.h"
#include "orchestrator/domain_adoption/qemu_locks.h"
#include "orchestrator/image_formats/inspect.h"
#include "orchestrator/mount_client/reference.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace varve::domain_adoption {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;
using image_formats::Format;

namespace {

Result<struct stat> status_of(const base::UniqueFd& file, const std::string& name) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return base::fail_errno(errno, "cannot look at " + name);
    return status;
}

// To open a watchdog arms it, to open a tape rewinds it, and to open a pipe waits for its other end.
Result<base::UniqueFd> open_image(const std::filesystem::path& source, const std::string& name) {
    const base::UniqueFd found(::open(source.c_str(), O_PATH | O_CLOEXEC));
    if (!found.valid()) return base::fail_errno(errno, "cannot open " + name);
    const auto status = TRY(status_of(found, name));
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return fail(Errc::InvalidArgument, name + " is neither a plain file nor a block device");
    // By its path it could be another one by now.
    base::UniqueFd file(::open(("/proc/self/fd/" + std::to_string(found.get())).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file.valid()) return base::fail_errno(errno, "cannot open " + name);
    return file;
}

Result<Bytes> size_of(const base::UniqueFd& file, const std::string& name) {
    const auto end = ::lseek(file.get(), 0, SEEK_END);
    if (end < 0 || ::lseek(file.get(), 0, SEEK_SET) != 0) return base::fail_errno(errno, "cannot find the size of " + name);
    return Bytes{static_cast<std::uint64_t>(end)};
}

bool same_time(const timespec& one, const timespec& other) { return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec; }

}  // namespace

Result<OpenDisk> open_disk(const DiskCopy& disk, const std::function<bool()>& interrupted) {
    const auto name = "'" + mount_client::shown(disk.source.native()) + "'";
    auto file = TRY(open_image(disk.source, name));
    TRY(keep_qemu_from_writing(file.get(), name));
    const auto status = TRY(status_of(file, name));
    auto size = TRY(size_of(file, name));
    if (disk.format != Format::Raw) size = TRY(image_formats::inspect_image({file.get(), name}, disk.format, interrupted));
    TRY(check_size({file.get(), name}, size, as_stated));
    return OpenDisk{std::move(file), name, size, disk.source, status};
}

Result<> check_unchanged(const OpenDisk& disk) {
    const auto& then = disk.at_opening;
    if (!S_ISREG(then.st_mode)) return {};
    struct stat now {};
    if (::stat(disk.source.c_str(), &now) != 0) return base::fail_errno(errno, "cannot look at " + disk.name + " again");
    // The open file keeps its number from being another one's.
    if (now.st_dev != then.st_dev || now.st_ino != then.st_ino)
        return fail(Errc::Busy, "another file has been put in the place of " + disk.name + " while it was copied");
    if (now.st_size == then.st_size && same_time(now.st_mtim, then.st_mtim) && same_time(now.st_ctim, then.st_ctim)) return {};
    return fail(Errc::Busy, disk.name + " has been changed while it was copied");
}

}  // namespace varve::domain_adoption
