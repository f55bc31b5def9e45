// SPDX-License-Identifier: LGPL-2.1-or-later
// The hypervisors of this host, by their URIs.
#pragma once

#include "orchestrator/hypervisor/hypervisor.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace varve::vm {

// Makes the connection to one.
using HypervisorMaker = std::function<std::shared_ptr<hypervisor::Hypervisor>(const std::string& uri)>;
using UriListener = std::function<void(const std::string& uri, const hypervisor::Event& event)>;

// Thread-safe. Each connection is made when it is first asked for, and kept.
class Hypervisors {
public:
    // `listener` runs in the hypervisors' threads: it only notes what it is told.
    Hypervisors(HypervisorMaker make, UriListener listener) : make_(std::move(make)), listener_(std::move(listener)) {}

    [[nodiscard]] hypervisor::Hypervisor& at(const std::string& uri);
    // The same where it has been made already, else one for the caller alone: who only looks leaves no connection that is kept for ever.
    [[nodiscard]] std::shared_ptr<hypervisor::Hypervisor> look_at(const std::string& uri);
    // The listener runs no more.
    void quiet();

private:
    struct Link {
        std::shared_ptr<hypervisor::Hypervisor> hypervisor;
        std::unique_ptr<hypervisor::Subscription> subscription;  // ends before it
    };

    const HypervisorMaker make_;
    const UriListener listener_;
    mutable std::mutex mutex_;
    std::map<std::string, Link> links_;  // under the mutex, as is what follows; never erased
    bool quiet_ = false;
};

}  // namespace varve::vm
