// SPDX-License-Identifier: LGPL-2.1-or-later
// Waiting for a pipe without being deaf to an interrupt.
#pragma once

#include <functional>

namespace varve::mount_client {

// Waits until poll(2) has one of `events`, the end or an error to tell of the descriptor; files are always ready. 0, or the errno: EINTR as soon
// as `interrupted` (may be empty) says so. A signal that comes just before the wait is noticed, too, a fifth of a second later.
[[nodiscard]] int wait_until_ready(int fd, short events, const std::function<bool()>& interrupted);

}  // namespace varve::mount_client
