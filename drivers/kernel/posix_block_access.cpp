// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/posix_block_access.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace varve::kernel {
namespace {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;

Result<base::Bytes> sector_of(int device, const std::string& path) {
    int bytes = 0;
    if (::ioctl(device, BLKSSZGET, &bytes) != 0) return fail_errno(errno, "cannot ask " + path + " for its sector size");
    return base::Bytes{static_cast<std::uint64_t>(bytes)};
}

}  // namespace

Result<OpenDevice> PosixBlockAccess::open(const std::filesystem::path& path) const {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    const bool link = !fd.valid() && errno == ELOOP;
    if (link) fd = UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!fd.valid()) return fail_errno(errno, "cannot open " + path.string());
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot look at " + path.string());
    if (S_ISREG(status.st_mode) && !link) return OpenDevice{std::move(fd), {}, {base::sector_size}};
    if (!S_ISBLK(status.st_mode)) return fail(Errc::InvalidArgument, path.string() + " is neither a block device nor an image");
    const auto sector = TRY(sector_of(fd.get(), path.string()));
    return OpenDevice{std::move(fd), DeviceNumber::from(status.st_rdev), sector};
}

Result<> PosixBlockAccess::zero_start(const std::filesystem::path& device, base::Bytes count) {
    constexpr std::size_t page = 4096;
    alignas(page) static constexpr std::array<char, 16 * page> zeroes{};
    const UniqueFd fd(::open(device.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
    if (!fd.valid()) return fail_errno(errno, "cannot open " + device.string());
    for (std::uint64_t done = 0; done < count.count;) {
        const auto length = std::min<std::uint64_t>(zeroes.size(), count.count - done);
        const auto written = ::pwrite(fd.get(), zeroes.data(), length, static_cast<off_t>(done));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return fail_errno(written < 0 ? errno : EIO, "cannot write to " + device.string());
        done += static_cast<std::uint64_t>(written);
    }
    return {};
}

}  // namespace varve::kernel
