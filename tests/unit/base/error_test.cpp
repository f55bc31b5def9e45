// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/error.h"

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <gtest/gtest.h>

#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

namespace varve::base {
namespace {

TEST(ErrorFromErrno, ChoosesTheCodeThatStandsForIt) {
    const std::vector<std::pair<int, Errc>> known{{ENOENT, Errc::NotFound},
                                                  {ENOTDIR, Errc::NotFound},
                                                  {EEXIST, Errc::Exists},
                                                  {EBUSY, Errc::Busy},
                                                  {ETXTBSY, Errc::Busy},
                                                  {ENOSPC, Errc::NoSpace},
                                                  {EDQUOT, Errc::NoSpace},
                                                  {EROFS, Errc::ReadOnly},
                                                  {ENAMETOOLONG, Errc::InvalidName},
                                                  {EINVAL, Errc::InvalidArgument},
                                                  {EFBIG, Errc::TooLarge},
                                                  {EOPNOTSUPP, Errc::Unsupported},
                                                  {EXDEV, Errc::CrossPool},
                                                  {ENOTEMPTY, Errc::NotEmpty},
                                                  {EPERM, Errc::Denied},
                                                  {EACCES, Errc::Denied},
                                                  {EINTR, Errc::Interrupted},
                                                  {ETIMEDOUT, Errc::TimedOut},
                                                  {EIO, Errc::Io},
                                                  {EUCLEAN, Errc::Io},
                                                  {0x7fff, Errc::Io}};
    for (const auto& [number, code] : known) {
        const auto error = error_from_errno(number, "doing");
        EXPECT_EQ(error.code, code) << number;
        EXPECT_EQ(error.cause.value(), number);
        EXPECT_EQ(error.context, "doing");
    }
}

TEST(Error, SaysTheCauseBehindTheContext) {
    EXPECT_EQ(error_from_errno(ENOENT, "cannot open root.img").message(), "cannot open root.img: No such file or directory");
    EXPECT_EQ((Error{Errc::Busy, {}, "work/root is started already"}.message()), "work/root is started already");
    EXPECT_EQ(with_context(error_from_errno(EIO, "cannot sync"), "stop work/root").message(),
              "stop work/root: cannot sync: Input/output error");
}

Result<std::unique_ptr<int>> maybe(bool good) {
    if (!good) return fail(Errc::Corrupt, "no good");
    return std::make_unique<int>(7);
}

Result<int> through_try(bool good) {
    const auto value = TRY(maybe(good));
    return *value;
}

TEST(Try, TakesTheValueOrReturnsTheError) {
    EXPECT_EQ(through_try(true).value(), 7);
    ASSERT_FALSE(through_try(false));
    EXPECT_EQ(through_try(false).error().code, Errc::Corrupt);
    EXPECT_EQ(through_try(false).error().context, "no good");
}

TEST(UniqueFd, ClosesOnceAndOnlyWhatItOwns) {
    UniqueFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(first.valid());
    const int number = first.get();
    UniqueFd second(std::move(first));
    EXPECT_EQ(second.get(), number);
    first = UniqueFd();
    EXPECT_NE(::fcntl(number, F_GETFD), -1) << "moving from it must not close it";
    const int released = second.release();
    EXPECT_FALSE(second.valid());
    EXPECT_NE(::fcntl(released, F_GETFD), -1);
    { const UniqueFd last(released); }
    EXPECT_EQ(::fcntl(released, F_GETFD), -1);
    EXPECT_EQ(errno, EBADF);
}

}  // namespace
}  // namespace varve::base
