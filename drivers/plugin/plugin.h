// SPDX-License-Identifier: LGPL-2.1-or-later
// Pools of drivers that are shared objects.
#pragma once

#include "drivers/api/plugin.h"

#include <filesystem>
#include <memory>

namespace varve::plugin {

// Loads the shared object (library.h) if it is not loaded yet, and asks it. What it throws is an error (Io) that says so.
[[nodiscard]] base::Result<> check(const std::filesystem::path& file, const api::DriverSettings& settings,
                                   const api::DriverChecks& drivers);
[[nodiscard]] base::Result<std::unique_ptr<api::Pool>> open(const std::filesystem::path& file, const api::DriverSettings& settings,
                                                            std::shared_ptr<api::DriverHost> host);

}  // namespace varve::plugin
