// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/spool.h"

#include "orchestrator/mount_client/scratch_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace varve::image_formats {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::UniqueFd;
using mount_client::CopyObserver;
using mount_client::CopySide;
using mount_client::OpenImage;

base::Failure cannot_open(const std::string& directory, int number) {
    return base::fail_errno(number, "cannot make a file in the spool directory '" + mount_client::shown(directory) + "'");
}

}  // namespace

Result<bool> needs_spool(const OpenImage& from) {
    struct stat status {};
    if (::fstat(from.fd, &status) != 0) return base::fail_errno(errno, "cannot look at " + from.name);
    const bool at_start = ::lseek(from.fd, 0, SEEK_CUR) == 0;  // fails for pipes and sockets
    return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || (S_ISREG(status.st_mode) && !at_start);
}

Result<UniqueFd> open_spool(const std::string& directory) {
    constexpr int flags = O_RDWR | O_CLOEXEC;
    UniqueFd file(::open(directory.c_str(), flags | O_TMPFILE, 0600));
    if (file.valid()) return file;
    const UniqueFd place(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!place.valid()) return cannot_open(directory, errno);
    // The file system has no such files: its name goes at once.
    const auto name = ".varve-spool-" + mount_client::random_suffix();
    file = UniqueFd(::openat(place.get(), name.c_str(), flags | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    if (!file.valid() || ::unlinkat(place.get(), name.c_str(), 0) != 0) return cannot_open(directory, errno);
    return file;
}

base::Failure no_room(const std::string& what, const std::string& directory) {
    return fail(Errc::NoSpace, "there is no room for " + what + " in the spool directory '" + mount_client::shown(directory) +
                                   "': name one that has, by --spool DIR or in TMPDIR; nothing was changed");
}

Result<UniqueFd> spool(const OpenImage& from, const std::string& directory, const CopyObserver& observer) {
    auto file = TRY(open_spool(directory));
    mount_client::StreamSource source(from.fd, {}, base::largest_volume, observer.interrupted);
    mount_client::FileTarget target(file.get(), mount_client::Zeros::LeaveOut);
    const auto copied = mount_client::copy_image(source, target, observer);
    if (copied) return file;
    const auto& failure = copied.error();
    if (failure.number == EINTR) return fail(Errc::Interrupted, "interrupted; nothing was changed");
    if (failure.number == EFBIG && failure.side == CopySide::Source)
        return fail(Errc::TooLarge, from.name + " is larger than a volume can be");
    if (failure.side == CopySide::Source) return base::fail_errno(failure.number, "cannot read " + from.name);
    if (failure.number == ENOSPC || failure.number == EDQUOT || failure.number == EFBIG) return no_room(from.name, directory);
    return base::fail_errno(failure.number,
                            "cannot write " + from.name + " to the spool directory '" + mount_client::shown(directory) + "'");
}

}  // namespace varve::image_formats
