// SPDX-License-Identifier: LGPL-2.1-or-later
// Networks that only this process and what it starts see.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <cstddef>
#include <string>

namespace varve::libvirt_test {

// From here on this thread and those it starts have a network stack of their own, which goes with them.
[[nodiscard]] base::Result<> enter_private_network();
[[nodiscard]] base::Result<> make_bridge(const std::string& name);
// How many guests are plugged into it.
[[nodiscard]] std::size_t guests_of(const std::string& bridge);

// Hears every frame that comes to the bridge from its making on.
class Wiretap {
public:
    explicit Wiretap(const std::string& bridge);
    // Whether a frame from that address ("52:54:00:12:34:56") comes or has come, since the last question.
    [[nodiscard]] bool hears(const std::string& mac, int milliseconds) const;

private:
    base::UniqueFd socket_;
};

}  // namespace varve::libvirt_test
