// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/error.h"

#include <cerrno>
#include <utility>

namespace varve::base {

std::string_view name_of(Errc code) {
    switch (code) {
        case Errc::NotFound: return "not-found";
        case Errc::Exists: return "exists";
        case Errc::Busy: return "busy";
        case Errc::NoSpace: return "no-space";
        case Errc::ReadOnly: return "read-only";
        case Errc::InvalidName: return "invalid-name";
        case Errc::InvalidArgument: return "invalid-argument";
        case Errc::TooLarge: return "too-large";
        case Errc::Unsupported: return "unsupported";
        case Errc::CrossPool: return "cross-pool";
        case Errc::NotEmpty: return "not-empty";
        case Errc::Denied: return "denied";
        case Errc::Interrupted: return "interrupted";
        case Errc::TimedOut: return "timed-out";
        case Errc::Corrupt: return "corrupt";
        case Errc::Degraded: return "degraded";
        case Errc::Io: return "io";
    }
    return "io";
}

std::string Error::message() const {
    if (!cause) return context;
    return context + ": " + cause.message();
}

Error error_from_errno(int number, std::string context) {
    auto code = Errc::Io;
    switch (number) {
        case ENOENT:
        case ENOTDIR: code = Errc::NotFound; break;
        case EEXIST: code = Errc::Exists; break;
        case EBUSY:
        case ETXTBSY: code = Errc::Busy; break;
        case ENOSPC:
        case EDQUOT: code = Errc::NoSpace; break;
        case EROFS: code = Errc::ReadOnly; break;
        case ENAMETOOLONG: code = Errc::InvalidName; break;
        case EINVAL: code = Errc::InvalidArgument; break;
        case EFBIG: code = Errc::TooLarge; break;
        case EOPNOTSUPP: code = Errc::Unsupported; break;
        case EXDEV: code = Errc::CrossPool; break;
        case ENOTEMPTY: code = Errc::NotEmpty; break;
        case EPERM:
        case EACCES: code = Errc::Denied; break;
        case EINTR: code = Errc::Interrupted; break;
        case ETIMEDOUT: code = Errc::TimedOut; break;
        default: break;
    }
    return Error{code, std::error_code(number, std::generic_category()), std::move(context)};
}

Error with_context(Error error, std::string_view what) {
    error.context = std::string(what) + ": " + error.context;
    return error;
}

}  // namespace varve::base
