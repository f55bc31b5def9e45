// SPDX-License-Identifier: LGPL-2.1-or-later
// What a VM on Xen is told about itself, and what it tells back (docs/xenstore.md):
//   /local/domain/<id>/varve/<key>        written here; the guest reads
//   /local/domain/<id>/varve/guest/<key>  the guest writes what it likes
#pragma once

#include "orchestrator/xenstore/xenstore.h"

#include <chrono>
#include <functional>
#include <map>
#include <string>

namespace varve::xenstore {

using GuestKeys = std::map<Key, std::string>;

// In one step, so that a guest never sees half of it: exactly these keys, and an empty place for the guest's own. To be done while the domain is
// paused. The keys go with the domain. InvalidArgument for a key called "guest".
[[nodiscard]] base::Result<> publish(XenStore& store, DomainId domain, const GuestKeys& keys);

// Waits until the guest has written `expected` under its own `key`. What else it writes is not looked at. TimedOut; Interrupted
// once `given_up` holds, within a quarter of a second.
[[nodiscard]] base::Result<> wait_for_guest(
    XenStore& store, DomainId domain, const Key& key, std::string_view expected, std::chrono::milliseconds longest,
    const std::function<bool()>& given_up = [] { return false; });

}  // namespace varve::xenstore
