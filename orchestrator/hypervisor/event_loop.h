// SPDX-License-Identifier: LGPL-2.1-or-later
// libvirt's event loop, in a thread of its own.
#pragma once

#include "drivers/base/result.h"

#include <memory>

namespace varve::hypervisor {

// libvirt knows one loop per process: main() makes this before any connection, and it outlives them. libvirt's own printing of errors to
// standard error ends with it.
class EventLoop {
public:
    [[nodiscard]] static base::Result<std::unique_ptr<EventLoop>> start();
    virtual ~EventLoop() = default;
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

protected:
    EventLoop() = default;
};

}  // namespace varve::hypervisor
