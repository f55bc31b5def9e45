// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/errno_map.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <future>

namespace varve::control {
namespace {

using base::Errc;
using base::Error;

int errno_with_cause(int cause) { return errno_of(Error{Errc::Io, std::error_code(cause, std::generic_category()), "x"}); }

TEST(ErrnoMap, EachCodeHasItsErrno) {
    EXPECT_EQ(errno_of({Errc::NotFound, {}, "x"}), ENOENT);
    EXPECT_EQ(errno_of({Errc::Exists, {}, "x"}), EEXIST);
    EXPECT_EQ(errno_of({Errc::Busy, {}, "x"}), EBUSY);
    EXPECT_EQ(errno_of({Errc::InvalidName, {}, "x"}), EINVAL);
    EXPECT_EQ(errno_of({Errc::CrossPool, {}, "x"}), EXDEV);
    EXPECT_EQ(errno_of({Errc::Denied, std::error_code(EACCES, std::generic_category()), "x"}), EPERM);
    EXPECT_EQ(errno_of({Errc::Corrupt, {}, "x"}), EIO);
}

TEST(ErrnoMap, IoPassesOnWhatAFileSystemMaySay) {
    EXPECT_EQ(errno_with_cause(ENXIO), ENXIO);
    EXPECT_EQ(errno_with_cause(ENOMEM), ENOMEM);
    EXPECT_EQ(errno_with_cause(EMFILE), ENFILE);
    EXPECT_EQ(errno_with_cause(EAGAIN), EIO);
    EXPECT_EQ(errno_with_cause(EBADF), EIO);
    EXPECT_EQ(errno_of({Errc::Io, {}, "x"}), EIO);
    EXPECT_EQ(errno_of({Errc::Io, std::make_error_code(std::future_errc::no_state), "x"}), EIO);
}

TEST(ErrnoMap, NumbersHaveNames) {
    EXPECT_EQ(errno_name(EBUSY), "EBUSY");
    EXPECT_EQ(errno_name(EOPNOTSUPP), "EOPNOTSUPP");
    EXPECT_EQ(errno_name(0), "EIO");
    EXPECT_EQ(errno_name(99999), "EIO");
}

}  // namespace
}  // namespace varve::control
