// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/precise_time.h"

namespace varve::protocol {

std::string precise_utc(base::Timestamp time) {
    auto text = base::iso_utc(time.seconds);
    auto fraction = std::to_string(1'000'000'000ULL + time.nanoseconds);
    fraction.front() = '.';
    return text.insert(text.size() - 1, fraction);
}

}  // namespace varve::protocol
