// SPDX-License-Identifier: LGPL-2.1-or-later
// What can go wrong, in words a user understands.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

namespace varve::base {

// Closed: fs/fuse/errno_map.cpp turns each into exactly one errno, and fails to compile when one is added.
enum class Errc {
    NotFound,         // ENOENT
    Exists,           // EEXIST
    Busy,             // EBUSY
    NoSpace,          // ENOSPC
    ReadOnly,         // EROFS
    InvalidName,      // EINVAL
    InvalidArgument,  // EINVAL
    TooLarge,         // EFBIG
    Unsupported,      // EOPNOTSUPP
    CrossPool,        // EXDEV
    NotEmpty,         // ENOTEMPTY
    Denied,           // EPERM
    Interrupted,      // EINTR
    TimedOut,         // ETIMEDOUT
    Corrupt,          // EIO: what is on disk contradicts itself
    Degraded,         // EIO: a volume that a failed undo has frozen
    Io,               // EIO, or the cause's own errno
};

[[nodiscard]] std::string_view name_of(Errc code);

struct Error {
    Errc code;
    std::error_code cause;  // the system call's errno in the generic or system category, or empty
    std::string context;    // a sentence without a final stop: what was refused or failed, and why

    // "context: strerror(cause)" when there is a cause that says more.
    [[nodiscard]] std::string message() const;
};

// Chooses the Errc that the errno stands for; numbers without one of their own become Io and keep the cause.
[[nodiscard]] Error error_from_errno(int number, std::string context);

// Puts "what: " before the error's context.
[[nodiscard]] Error with_context(Error error, std::string_view what);

}  // namespace varve::base
