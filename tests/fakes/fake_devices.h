// SPDX-License-Identifier: LGPL-2.1-or-later
// The devices in a fake domain's XML, which come, change and go.
#pragma once

#include "drivers/base/result.h"

#include <string>

namespace varve::fakes {

// Gives each interface what libvirt gives it: a MAC address and an alias. `next` numbers them.
[[nodiscard]] std::string with_complete_interfaces(const std::string& domain, int& next);
// The domain with the device. InvalidArgument when one of them is none.
[[nodiscard]] base::Result<std::string> attached(const std::string& domain, const std::string& device);
// Without it. NotFound.
[[nodiscard]] base::Result<std::string> detached(const std::string& domain, const std::string& device);
// With source and link of the interface as `interface` has them. NotFound.
[[nodiscard]] base::Result<std::string> updated(const std::string& domain, const std::string& interface);
// Without the device of that alias, if it has one.
[[nodiscard]] std::string released(const std::string& domain, const std::string& alias);

}  // namespace varve::fakes
