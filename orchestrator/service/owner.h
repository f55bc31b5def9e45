// SPDX-License-Identifier: LGPL-2.1-or-later
// A state directory has one orchestrator at a time.
#pragma once

#include "drivers/base/result.h"

#include <boost/interprocess/sync/file_lock.hpp>

#include <filesystem>
#include <memory>

namespace varve::service {

// Holds `.lock` in the state directory, which it makes. The kernel drops such a lock with the process, also after SIGKILL, but also when ANY
// descriptor of the file is closed in this process: so it is opened once and never again.
class Owner {
public:
    // Busy when another process holds it.
    [[nodiscard]] static base::Result<Owner> acquire(const std::filesystem::path& state_directory);

private:
    explicit Owner(std::unique_ptr<boost::interprocess::file_lock> lock) : lock_(std::move(lock)) {}
    std::unique_ptr<boost::interprocess::file_lock> lock_;
};

}  // namespace varve::service
