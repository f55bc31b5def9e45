// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the socket comes from.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <filesystem>
#include <optional>

namespace varve::rpc {

// The listening socket that systemd handed over (sd_listen_fds(3)); nullopt when it handed over nothing. InvalidArgument for anything but one
// listening Unix stream socket. Call it once, before there are threads: it clears the environment variables.
[[nodiscard]] base::Result<std::optional<base::UniqueFd>> inherited_socket();

// A new one at the path, with the directories above it; everyone may connect, the rights decide. Whatever a dead process left there is
// replaced; Busy while somebody listens there, Exists for what is no socket.
[[nodiscard]] base::Result<base::UniqueFd> bind_socket(const std::filesystem::path& path);

}  // namespace varve::rpc
