// SPDX-License-Identifier: LGPL-2.1-or-later
// How much of the orchestrator one client, one user and all together may take.
#pragma once

#include <chrono>
#include <cstddef>

namespace varve::rpc {

struct Limits {
    std::size_t connections = 256;
    std::size_t connections_for_administrators = 32;         // of these, root and the owner alone have so many
    std::size_t connections_of_a_user = 32;                  // root and the owner have only the limit of all
    std::size_t calls = 16;                                  // of a connection at a time; it is not read from meanwhile
    std::size_t output = std::size_t{1} << 20;               // bytes that wait to be read: beyond, no request is taken and no event sent
    std::chrono::seconds stalled = std::chrono::minutes(5);  // a client that reads nothing of what waits for it is let go
    std::size_t workers = 32;                                // long methods at a time, of all but administrators
    std::size_t workers_for_administrators = 32;             // the same of root and the owner: VMs that start with the machine are many
    std::size_t long_methods_of_a_user = 16;                 // under way or waiting for a worker; root and the owner have no limit
};

}  // namespace varve::rpc
