// SPDX-License-Identifier: LGPL-2.1-or-later
// Result<T>: the return type of everything the world can make fail.
#pragma once

#include "drivers/base/error.h"

#include <tl/expected.hpp>

#include <type_traits>
#include <utility>

namespace varve::base {

template <class T = void>
using Result = tl::expected<T, Error>;

using Failure = tl::unexpected<Error>;

[[nodiscard]] inline Failure fail(Errc code, std::string context) { return Failure(Error{code, std::error_code{}, std::move(context)}); }

// For a system call that has just failed: `errno` chooses the Errc and is kept as the cause.
[[nodiscard]] inline Failure fail_errno(int number, std::string context) { return Failure(error_from_errno(number, std::move(context))); }

// The value of a Result that holds one; used by TRY.
template <class T>
T take(tl::expected<T, Error>&& result) {
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace varve::base

// `auto x = TRY(f());` takes the value of f() or returns its error from the calling function.
// A statement expression, so that it works for values that can only be moved; g++ and clang have it.
// Not in braces behind another element, `Pair{a(), TRY(b())}`: both compilers then forget to destroy that element (tests/layering/check_try.py).
#define TRY(expression)                                                    \
    __extension__({                                                        \
        auto&& try_result_ = (expression);                                 \
        if (!try_result_) [[unlikely]]                                     \
            return ::varve::base::Failure(std::move(try_result_).error()); \
        ::varve::base::take(std::move(try_result_));                       \
    })
