// SPDX-License-Identifier: LGPL-2.1-or-later
// What `varve` takes from the process it runs in.
#pragma once

#include <functional>
#include <ostream>
#include <string>

namespace varve::cli {

struct World {
    std::ostream& out;
    std::ostream& err;
    bool err_is_terminal = false;
    std::string mount_variable;     // VARVE_MOUNT; empty when unset
    std::string working_directory;  // absolute
    std::string mountinfo = "/proc/self/mountinfo";
    std::function<void()> catch_interrupts;  // from here on SIGINT, SIGTERM and SIGHUP only interrupt system calls (interrupts.h)
    std::function<bool()> interrupted;       // whether one came
    int input = 0;                           // standard input and output as descriptors, for whole images
    int output = 1;
    std::string socket_variable = {};   // VARVE_SOCKET; empty when unset
    std::string runtime_variable = {};  // VARVE_RUNTIME_DIR; empty when unset
    std::string spool_variable = {};    // TMPDIR; empty when unset
};

}  // namespace varve::cli
