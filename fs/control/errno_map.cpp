// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/errno_map.h"

#include <cerrno>
#include <cstring>
#include <system_error>

namespace varve::control {
namespace {

// What the storage below did is passed on where it means the same to the caller. EMFILE would tell the caller about its
// own descriptors, when it is the daemon that has run out: ENFILE, which is about everybody's, comes nearest. Not EAGAIN.
int errno_of_cause(const std::error_code& cause) {
    if (cause.category() != std::generic_category() && cause.category() != std::system_category()) return EIO;
    switch (cause.value()) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
        case ENXIO:
        case EROFS:
        case ENOMEM: return cause.value();
        case EMFILE:
        case ENFILE: return ENFILE;
        default: return EIO;
    }
}

}  // namespace

// No default: a new Errc must not compile before it has an errno.
int errno_of(const base::Error& error) {
    using base::Errc;
    switch (error.code) {
        case Errc::NotFound: return ENOENT;
        case Errc::Exists: return EEXIST;
        case Errc::Busy: return EBUSY;
        case Errc::NoSpace: return ENOSPC;
        case Errc::ReadOnly: return EROFS;
        case Errc::InvalidName:
        case Errc::InvalidArgument: return EINVAL;
        case Errc::TooLarge: return EFBIG;
        case Errc::Unsupported: return EOPNOTSUPP;
        case Errc::CrossPool: return EXDEV;
        case Errc::NotEmpty: return ENOTEMPTY;
        case Errc::Denied: return EPERM;
        case Errc::Interrupted: return EINTR;
        case Errc::TimedOut: return ETIMEDOUT;
        case Errc::Corrupt:
        case Errc::Degraded: return EIO;
        case Errc::Io: return errno_of_cause(error.cause);
    }
    return EIO;  // no Errc at all
}

std::string_view errno_name(int number) {
    const char* name = ::strerrorname_np(number);  // glibc 2.32
    return name != nullptr && number != 0 ? name : "EIO";
}

}  // namespace varve::control
