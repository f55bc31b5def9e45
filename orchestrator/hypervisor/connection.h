// SPDX-License-Identifier: LGPL-2.1-or-later
// One connection to libvirt that comes back by itself.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/hypervisor/handles.h"
#include "orchestrator/hypervisor/libvirt_hypervisor.h"
#include "orchestrator/hypervisor/listeners.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace varve::hypervisor {

// Thread-safe.
class Connection {
public:
    // Tries once before it returns; `listeners` hear Resynchronise whenever it is there, Disconnected when it goes.
    Connection(std::string uri, ConnectionSettings settings, std::shared_ptr<const Listeners> listeners);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Io while there is none, with the last attempt's reason.
    [[nodiscard]] base::Result<ConnectionHandle> get() const;

private:
    class Open;
    struct Loss;

    void keep_connected(const std::stop_token& ended);
    [[nodiscard]] bool connect();
    void disconnect(const std::string& why);

    const std::string uri_;
    const ConnectionSettings settings_;
    const std::shared_ptr<const Listeners> listeners_;
    const std::shared_ptr<Loss> loss_;

    mutable std::mutex mutex_;  // of these
    std::shared_ptr<Open> open_;
    std::string why_not_;

    std::jthread thread_;  // last: it uses the others
};

}  // namespace varve::hypervisor
