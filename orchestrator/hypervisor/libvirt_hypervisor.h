// SPDX-License-Identifier: LGPL-2.1-or-later
// A hypervisor through libvirt: qemu:///system, qemu:///session, qemu:///embed?root=DIR, xen:///system, test:///default.
#pragma once

#include "orchestrator/hypervisor/event_loop.h"
#include "orchestrator/hypervisor/hypervisor.h"

#include <chrono>
#include <memory>
#include <string>

namespace varve::hypervisor {

struct ConnectionSettings {
    std::chrono::seconds keepalive_interval{5};  // between its questions whether libvirtd lives
    unsigned keepalive_count = 3;                // that many without an answer, and the connection is lost
    std::chrono::milliseconds first_retry{250};  // doubled by each failure
    std::chrono::milliseconds longest_retry{std::chrono::seconds(30)};
};

// Tries to connect at once, and whenever the connection is lost or cannot be made, again and again. `loop` outlives it. The program ignores
// SIGPIPE: libvirt writes to its daemon by write(2) (virnetsocket.c), also when that has just ended.
[[nodiscard]] std::unique_ptr<Hypervisor> make_libvirt_hypervisor(std::string uri, const EventLoop& loop, ConnectionSettings settings = {});

}  // namespace varve::hypervisor
