// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/hypervisors.h"

namespace varve::vm {

hypervisor::Hypervisor& Hypervisors::at(const std::string& uri) {
    const std::scoped_lock lock(mutex_);
    auto found = links_.find(uri);
    if (found == links_.end()) {
        found = links_.emplace(uri, Link{make_(uri), nullptr}).first;
        if (!quiet_)
            found->second.subscription =
                found->second.hypervisor->subscribe([this, uri](const hypervisor::Event& event) { listener_(uri, event); });
    }
    return *found->second.hypervisor;
}

std::shared_ptr<hypervisor::Hypervisor> Hypervisors::look_at(const std::string& uri) {
    {
        const std::scoped_lock lock(mutex_);
        if (const auto found = links_.find(uri); found != links_.end()) return found->second.hypervisor;
    }
    return make_(uri);
}

void Hypervisors::quiet() {
    const std::scoped_lock lock(mutex_);
    quiet_ = true;
    for (auto& [uri, link] : links_) link.subscription.reset();
}

}  // namespace varve::vm
