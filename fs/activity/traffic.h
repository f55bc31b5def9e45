// SPDX-License-Identifier: LGPL-2.1-or-later
// How many bytes of images went through this process: not those that the kernel reads and writes by passthrough.
#pragma once

#include "drivers/base/units.h"

#include <atomic>
#include <cstdint>

namespace varve::activity {

// Thread-safe.
class Traffic {
public:
    void add_read(std::uint64_t bytes) { read_.fetch_add(bytes, std::memory_order_relaxed); }
    void add_written(std::uint64_t bytes) { written_.fetch_add(bytes, std::memory_order_relaxed); }
    [[nodiscard]] base::Bytes read() const { return {read_.load(std::memory_order_relaxed)}; }
    [[nodiscard]] base::Bytes written() const { return {written_.load(std::memory_order_relaxed)}; }

private:
    std::atomic<std::uint64_t> read_ = 0;
    std::atomic<std::uint64_t> written_ = 0;
};

}  // namespace varve::activity
