// SPDX-License-Identifier: LGPL-2.1-or-later
// An open descriptor that goes with an answer (SCM_RIGHTS, unix(7)).
#pragma once

#include "drivers/base/unique_fd.h"

#include <sys/types.h>

#include <string_view>

namespace varve::rpc {

// As send(2), without waiting; the descriptor arrives with the first byte.
[[nodiscard]] ssize_t send_with_descriptor(int socket, std::string_view text, const base::UniqueFd& descriptor);

}  // namespace varve::rpc
