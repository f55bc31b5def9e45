// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the board of a mount is: <runtime directory>/boards/<name made from the mount point>.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace varve::protocol {

inline constexpr std::string_view standard_runtime_directory = "/run/varve";
inline constexpr std::string_view boards_directory = "boards";

// The mount point as the kernel names it: absolute, without symbolic links, `.` and `..`. Never asks what is mounted there, which may not answer.
[[nodiscard]] base::Result<std::string> real_mountpoint(const std::filesystem::path& mountpoint);

// The board's file: "/srv/vm store" -> "srv-vm\x20store". Different mount points have different names, but for those too long for one, which the
// board tells apart.
[[nodiscard]] std::string board_file_name(std::string_view real_mountpoint);

// The directory of the boards, held open. Denied when it, or the runtime directory, is not root's or this user's, or others may write there: they
// could have planted what is in it. NotFound when there is none.
[[nodiscard]] base::Result<base::UniqueFd> open_boards(const std::filesystem::path& runtime_directory);

}  // namespace varve::protocol
