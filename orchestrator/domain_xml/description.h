// SPDX-License-Identifier: LGPL-2.1-or-later
// What the XML of a domain that exists says.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/domain_xml/disk.h"
#include "orchestrator/domain_xml/interface.h"

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace varve::domain_xml {

struct Description {
    std::optional<std::filesystem::path> console;  // the terminal of the first serial console
    bool agent_connected = false;                  // somebody in the guest holds the agent's channel
    bool agent_channel = false;
    std::vector<Disk> disks;                // those with a file or block device; others are left out
    std::vector<LiveInterface> interfaces;  // all, in their order
};

// Corrupt when it is no domain's.
[[nodiscard]] base::Result<Description> read_description(std::string_view xml);

}  // namespace varve::domain_xml
