// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/daemon/background.h"

#include "drivers/base/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace varve::daemon {

using base::fail_errno;
using base::Result;
using base::UniqueFd;

Result<Background> Background::enter() {
    auto pipe = TRY(base::make_pipe(base::EmptyPipe::Waits));
    const auto child = ::fork();
    if (child < 0) return fail_errno(errno, "cannot fork");
    if (child > 0) {
        pipe.write.reset();
        char word = 0;
        ssize_t count = 0;
        do count = ::read(pipe.read.get(), &word, 1);  // ends with the child at the latest
        while (count < 0 && errno == EINTR);
        ::_exit(count == 1 ? 0 : 1);
    }
    if (::setsid() < 0) return fail_errno(errno, "cannot leave the session");
    return Background(std::move(pipe.write));
}

Result<> Background::ready() {
    const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!nothing.valid()) return fail_errno(errno, "cannot open /dev/null");
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::dup2(nothing.get(), standard) < 0) return fail_errno(errno, "cannot close the terminal");
    const char word = 1;
    (void)!::write(parent_.get(), &word, 1);  // a parent that was killed has nobody to tell
    parent_.reset();
    return {};
}

}  // namespace varve::daemon
