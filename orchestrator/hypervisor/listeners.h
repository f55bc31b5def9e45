// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is told of a hypervisor's events.
#pragma once

#include "orchestrator/hypervisor/event.h"
#include "orchestrator/hypervisor/listener_list.h"

namespace varve::hypervisor {

class Subscription {
public:
    Subscription() = default;
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    virtual ~Subscription() = default;
};

using Listeners = ListenerList<Event, Subscription>;
using EventListener = Listeners::Listener;

}  // namespace varve::hypervisor
