// SPDX-License-Identifier: LGPL-2.1-or-later
// `.varve/operations`: what is being done now.
#pragma once

#include "fs/engine/operations.h"

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace varve::activity {

// Thread-safe.
class RunningOperations final : public engine::OperationListener {
public:
    struct Entry {
        engine::Operation operation;
        std::chrono::steady_clock::time_point begun;
    };

    void began(const engine::Operation& operation) override;
    void ended(const engine::Operation& operation, const engine::Outcome& outcome) override;

    [[nodiscard]] std::vector<Entry> all() const;  // oldest first
    [[nodiscard]] std::string lines() const;

private:
    mutable std::mutex mutex_;
    std::map<std::uint64_t, Entry> running_;
};

}  // namespace varve::activity
