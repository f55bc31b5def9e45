// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/context.h"

#include <array>
#include <charconv>
#include <random>

namespace varve::file_reflink {

TemporaryNames::TemporaryNames() {
    std::random_device random;
    start_ = (std::uint64_t{random()} << 32) | random();
}

std::string TemporaryNames::next(const std::string& stem) {
    std::array<char, 16> hex{};
    const auto end = std::to_chars(hex.data(), hex.data() + hex.size(), start_ + count_.fetch_add(1, std::memory_order_relaxed), 16).ptr;
    return stem + "~" + std::string(hex.data(), end);
}

}  // namespace varve::file_reflink
