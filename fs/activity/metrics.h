// SPDX-License-Identifier: LGPL-2.1-or-later
// `.varve/metrics`: counters in the text format of Prometheus
// (https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4).
#pragma once

#include "fs/activity/traffic.h"
#include "fs/engine/catalogue.h"
#include "fs/engine/operations.h"

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace varve::activity {

// Thread-safe.
class Metrics final : public engine::OperationListener {
public:
    Metrics(const engine::Catalogue& catalogue, const Traffic& traffic, base::Timestamp started)
        : catalogue_(catalogue), traffic_(traffic), started_(started) {}

    void began(const engine::Operation& operation) override;
    void ended(const engine::Operation& operation, const engine::Outcome& outcome) override;

    [[nodiscard]] std::string text() const;

private:
    // Upper bounds of the histogram's buckets, in seconds; what is longer is in +Inf alone.
    static constexpr std::array<double, 8> bounds{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 10};
    struct Counter {
        std::uint64_t done = 0;
        std::uint64_t failed = 0;
        double seconds = 0;
        std::array<std::uint64_t, bounds.size()> at_most{};  // those done or failed in the bucket alone
    };

    const engine::Catalogue& catalogue_;
    const Traffic& traffic_;
    const base::Timestamp started_;
    mutable std::mutex mutex_;
    std::map<std::string_view, Counter> counters_;  // by verb
    std::uint64_t running_ = 0;
};

}  // namespace varve::activity
