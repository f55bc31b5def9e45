// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/wakeup.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

namespace varve::vm {

using base::fail_errno;
using base::Result;

Result<Wakeup> Wakeup::make() {
    base::UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd.valid()) return fail_errno(errno, "cannot make an eventfd");
    return Wakeup(std::move(fd));
}

void Wakeup::signal() const {
    const std::uint64_t one = 1;
    (void)::write(fd_.get(), &one, sizeof one);  // fails only when 2^64 - 2 signals are waiting already
}

Result<> Wakeup::wait(Deadline deadline, int other) const {
    using std::chrono::milliseconds;
    // Rounded up, so that the last wait is no busy loop.
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto timeout = static_cast<int>(std::clamp<milliseconds::rep>(left.count(), 0, milliseconds(std::chrono::hours(24)).count()));
    std::array<pollfd, 2> files{{{fd_.get(), POLLIN, 0}, {other, POLLIN, 0}}};  // poll(2) leaves negative ones out
    if (::poll(files.data(), files.size(), timeout) < 0 && errno != EINTR) return fail_errno(errno, "cannot wait");
    std::uint64_t signals = 0;
    (void)::read(fd_.get(), &signals, sizeof signals);  // EAGAIN when there are none
    return {};
}

}  // namespace varve::vm
