// SPDX-License-Identifier: LGPL-2.1-or-later
// SIGINT, SIGTERM and SIGHUP as interruptions of the system call that waits. The flag is the process's own, as its signal handlers are.
#pragma once

namespace varve::cli {

// From here on the first of them makes a waiting call return EINTR; the second SIGINT or SIGTERM kills, as by default, the second SIGHUP does nothing.
// One that was ignored when the program began stays ignored (nohup(1), background jobs).
void catch_interrupts();

[[nodiscard]] bool interrupted();

}  // namespace varve::cli
