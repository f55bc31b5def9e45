// SPDX-License-Identifier: LGPL-2.1-or-later
// What varvefs and its LVM worker say to each other, over the worker's standard input and output. A command is one line. The answer is a line for each
// message of LVM, with the level that lvm2cmd.h gives it (newlines become spaces), and a line with the command's status:
//
//   M <level> <text>
//   S <status>
#pragma once

namespace varve::lvm_thin::worker {

inline constexpr char message_mark = 'M';
inline constexpr char status_mark = 'S';

// LVM2_COMMAND_SUCCEEDED and LVM2_LOG_ERROR of lvm2cmd.h.
inline constexpr int succeeded = 1;
inline constexpr int error_level = 3;
inline constexpr int print_level = 4;

}  // namespace varve::lvm_thin::worker
