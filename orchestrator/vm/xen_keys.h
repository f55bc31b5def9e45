// SPDX-License-Identifier: LGPL-2.1-or-later
// What a guest on Xen is told about itself before it runs, and how it says that it is ready (docs/xenstore.md).
#pragma once

#include "orchestrator/definitions/vm_definition.h"
#include "orchestrator/hypervisor/hypervisor.h"
#include "orchestrator/xenstore/xenstore.h"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>

namespace varve::vm {

// Opens the host's xenstore. Unsupported where there is none.
using XenStoreMaker = std::function<base::Result<std::shared_ptr<xenstore::XenStore>>()>;

// Thread-safe. The store is opened when a domain on Xen first needs it: other hosts have none.
class XenKeys {
public:
    explicit XenKeys(XenStoreMaker open) : open_(std::move(open)) {}

    // The name, class, template and fixed addresses of the VM, for its domain to read. To be called while the domain is paused, so that the guest never sees those of
    // an earlier domain with its number. They go with the domain.
    [[nodiscard]] base::Result<> publish(const hypervisor::Domain& domain, const definitions::VmDefinition& vm);

    // Waits until the guest has said that it is ready. TimedOut; Interrupted once `given_up` holds, within a quarter of a second.
    [[nodiscard]] base::Result<> wait_until_ready(const hypervisor::Domain& domain, std::chrono::milliseconds longest,
                                                  const std::function<bool()>& given_up);

private:
    [[nodiscard]] base::Result<std::shared_ptr<xenstore::XenStore>> store();

    const XenStoreMaker open_;
    std::mutex mutex_;
    std::shared_ptr<xenstore::XenStore> store_;
};

}  // namespace varve::vm
