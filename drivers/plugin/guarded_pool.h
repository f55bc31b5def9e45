// SPDX-License-Identifier: LGPL-2.1-or-later
// Between varvefs, where an exception is a bug, and somebody else's code.
#pragma once

#include "drivers/api/plugin.h"

#include <memory>
#include <string>

namespace varve::plugin {

// Hands every call on. One that throws fails: Degraded where something may have been changed, else Io; varvefs's log has the driver's words. `host` is
// kept as long as the pool.
[[nodiscard]] std::unique_ptr<api::Pool> guarded(std::unique_ptr<api::Pool> pool, std::shared_ptr<api::DriverHost> host,
                                                 const std::string& driver);

}  // namespace varve::plugin
