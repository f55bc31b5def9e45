// SPDX-License-Identifier: LGPL-2.1-or-later
// FUSE_INIT with what libfuse 3.14 does not know of. Later versions have calls of their own for it (negotiation.h).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace varve::fuse {

// Reads the kernel's FUSE_INIT as it goes by and completes libfuse's reply to it. Layouts and bits: the kernel's include/uapi/linux/fuse.h of
// protocol 7.40. Thread-safe; the exchange itself happens once, before any other request.
class InitExchange {
public:
    static constexpr std::size_t reply_size = 64;  // struct fuse_init_out since 7.23
    using Reply = std::array<std::byte, reply_size>;

    explicit InitExchange(bool wants_passthrough) : wants_passthrough_(wants_passthrough) {}

    // Every message from the kernel.
    void request(std::span<const std::byte> message);
    // The reply to put in the place of `body`; nullopt when `body` is no successful reply to that FUSE_INIT, or has nothing to be added.
    [[nodiscard]] std::optional<Reply> complete(std::uint64_t unique, std::int32_t error, std::span<const std::byte> body);

    // Whether passthrough was offered and accepted.
    [[nodiscard]] bool passthrough() const { return passthrough_; }

private:
    const bool wants_passthrough_;
    std::uint64_t unique_ = 0;
    std::uint64_t offered_ = 0;  // FUSE_INIT's flags, with flags2 in the upper half
    std::atomic<bool> passthrough_ = false;
    std::atomic<bool> finished_ = false;
};

}  // namespace varve::fuse
