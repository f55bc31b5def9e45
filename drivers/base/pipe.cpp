// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace varve::base {

Result<Pipe> make_pipe(EmptyPipe empty) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
    Pipe made{UniqueFd(ends[0]), UniqueFd(ends[1])};
    if (empty == EmptyPipe::Fails) (void)::fcntl(made.read.get(), F_SETFL, O_NONBLOCK);  // cannot fail on a pipe
    return made;
}

}  // namespace varve::base
