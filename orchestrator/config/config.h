// SPDX-License-Identifier: LGPL-2.1-or-later
// The orchestrator's configuration file, checked (docs/man/orchestrator.toml.5.md has every key).
#pragma once

#include "drivers/settings/mistakes.h"
#include "orchestrator/config/rights.h"
#include "orchestrator/definitions/vm_definition.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace varve::orchestrator {

// What holds for disposables unless their template says otherwise.
struct SystemPreload {
    std::optional<base::VmName> default_dispvm;
    std::optional<std::uint32_t> max;  // overrides the template's, for the default_dispvm alone
    definitions::RefillDelay delay = std::chrono::milliseconds(3000);
    base::Bytes threshold{};  // memory that preloading leaves free
};

struct Config {
    std::filesystem::path socket = "/run/varve/orchestrator.sock";
    std::filesystem::path runtime_dir = "/run/varve";  // what must outlive the process, but not the machine
    std::filesystem::path state_dir = "/var/lib/varve-orchestrator";
    std::filesystem::path mountpoint = "/varve";
    definitions::HypervisorUri hypervisor;
    SystemPreload preload;
    std::vector<Right> rights;
};

// The configuration, or every mistake found in it. `toml` is TOML 1.0; users and groups are those of this machine.
[[nodiscard]] tl::expected<Config, std::vector<settings::Mistake>> parse(std::string_view toml);

// The keys in which a running orchestrator cannot follow: what differs in them counts from its next start. Preloading, default_dispvm and rights can change.
[[nodiscard]] std::vector<std::string_view> needing_restart(const Config& running, const Config& wanted);

}  // namespace varve::orchestrator
