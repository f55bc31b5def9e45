// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether the kernel can encrypt.
#pragma once

#include "drivers/base/timestamp.h"
#include "drivers/kernel/device_mapper.h"

#include <mutex>
#include <optional>
#include <string>

namespace varve::ephemeral {

// Thread-safe.
class Availability {
public:
    Availability(const kernel::DeviceMapper& mapper, const base::Clock& clock) : mapper_(mapper), clock_(clock) {}

    // Empty when it can; else the reason, and what to do. Once it could it always can; a no is asked again after some seconds, so that
    // modprobe helps without a restart.
    [[nodiscard]] std::string why_not() const;

private:
    [[nodiscard]] std::string ask() const;

    const kernel::DeviceMapper& mapper_;
    const base::Clock& clock_;
    mutable std::mutex mutex_;  // over what follows
    mutable std::optional<base::Timestamp> asked_;
    mutable std::string answer_;
};

}  // namespace varve::ephemeral
