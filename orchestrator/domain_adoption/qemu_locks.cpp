// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_adoption/qemu_locks.h"

#include <fcntl.h>

#include <array>
#include <cerrno>

namespace varve::domain_adoption {
namespace {

using base::Errc;
using base::fail;
using base::Result;

// QEMU's block/file-posix.c: a shared lock on the byte RAW_LOCK_PERM_BASE (100) + N says that its holder does N, and one on RAW_LOCK_SHARED_BASE (200) + N that
// it lets nobody else do it. N is 1 for writing and 3 for resizing.
constexpr std::array<off_t, 2> nobody_may{201, 203};
constexpr std::array<off_t, 2> somebody_does{101, 103};

struct flock lock_of(short type, off_t byte) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte;
    lock.l_len = 1;
    return lock;
}

bool means_no_locks(int error) { return error == EINVAL || error == ENOLCK || error == EOPNOTSUPP || error == ENOTTY || error == ENOSYS; }

base::Failure busy(const std::string& name, const std::string& why) {
    return fail(Errc::Busy,
                "the disk " + name + " is " + why +
                    ": a machine runs on it, or another program is at work on it; end that first, or leave the disk out (--skip)");
}

}  // namespace

// As QEMU does: one's own locks first, then a look at the others'. Of two that come at the same time at least one sees the other.
Result<> keep_qemu_from_writing(int image, const std::string& name) {
    for (const auto byte : nobody_may) {
        auto lock = lock_of(F_RDLCK, byte);
        if (::fcntl(image, F_OFD_SETLK, &lock) == 0) continue;
        if (means_no_locks(errno)) return {};
        if (errno == EAGAIN || errno == EACCES) return busy(name, "locked");
        return base::fail_errno(errno, "cannot lock " + name);
    }
    for (const auto byte : somebody_does) {
        auto lock = lock_of(F_WRLCK, byte);
        if (::fcntl(image, F_OFD_GETLK, &lock) != 0) {
            if (means_no_locks(errno)) return {};
            return base::fail_errno(errno, "cannot look at the locks of " + name);
        }
        if (lock.l_type != F_UNLCK) return busy(name, "open for writing");
    }
    return {};
}

}  // namespace varve::domain_adoption
