// SPDX-License-Identifier: LGPL-2.1-or-later
// When a guest that was started counts as running.
#pragma once

#include "orchestrator/definitions/vm_definition.h"
#include "orchestrator/hypervisor/hypervisor.h"
#include "orchestrator/vm/board.h"
#include "orchestrator/vm/xen_keys.h"

#include <filesystem>

namespace varve::vm {

// Until the guest is ready. TimedOut: its deadline passed; Io: its domain has gone. `console_log`: where the hypervisor notes the first serial
// console, for a VM whose readiness is a line there.
[[nodiscard]] base::Result<> wait_until_ready(const definitions::Readiness& readiness, const Claim& claim,
                                              hypervisor::Hypervisor& hypervisor, const std::filesystem::path& console_log,
                                              XenKeys& xen_keys);

// Whether the text has the line, whole: from the beginning or a newline to a carriage return, a newline or the end. Pure.
[[nodiscard]] bool has_line(std::string_view text, std::string_view line);

}  // namespace varve::vm
