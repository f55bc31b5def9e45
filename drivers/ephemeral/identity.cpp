// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/ephemeral/ephemeral.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <system_error>

namespace varve::ephemeral {
namespace {

// FNV-1a, 64 bits. Nobody gains from two pools of one machine with the same digits, whose paths the administrator chose.
std::uint64_t hash(std::string_view text) {
    constexpr std::uint64_t basis = 0xcbf29ce484222325;
    constexpr std::uint64_t prime = 0x100000001b3;
    auto sum = basis;
    for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * prime;
    return sum;
}

}  // namespace

std::string pool_identity(std::string_view driver, std::string_view location) {
    std::error_code failed;
    const auto canonical = location.starts_with('/') ? std::filesystem::canonical(location, failed).string() : std::string(location);
    const auto sum = hash(std::string(driver) + "\n" + (failed ? std::string(location) : canonical));
    constexpr std::size_t digits = 16;
    std::array<char, digits> hex{};
    const auto* const end = std::to_chars(hex.data(), hex.data() + hex.size(), sum, 16).ptr;
    const std::string text(hex.data(), static_cast<std::size_t>(end - hex.data()));
    return std::string(digits - text.size(), '0') + text;
}

}  // namespace varve::ephemeral
