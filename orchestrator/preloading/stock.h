// SPDX-License-Identifier: LGPL-2.1-or-later
// What the definitions say about preloading: pure.
#pragma once

#include "orchestrator/definitions/rules.h"
#include "orchestrator/preload/vocabulary.h"

#include <map>
#include <set>

namespace varve::preloading {

// What holds for all templates.
struct SystemSettings {
    std::optional<base::VmName> default_dispvm;
    std::optional<std::uint32_t> max;  // overrides the default_dispvm's own
    definitions::RefillDelay delay = std::chrono::milliseconds(3000);
    base::Bytes threshold{};
};

// The disposable templates but the retired ones.
[[nodiscard]] preload::Settings settings_of(const definitions::Definitions& all, const SystemSettings& system,
                                            const std::set<base::VmName>& retired);

// What disposables of a template inherit and keep, in a form that compares: what a template, or a disposable that was made of it, has. Not their
// networks, which change when one is handed out; but their fixed addresses, which a guest is told once.
struct Inherited {
    definitions::VmDefinition vm;  // without interfaces
    std::map<std::size_t, definitions::IpAddress> addresses;
    friend bool operator==(const Inherited&, const Inherited&) = default;
};
[[nodiscard]] base::Result<Inherited> inherited_from(const definitions::VmDefinition& template_vm);
[[nodiscard]] Inherited inherited_by(definitions::VmDefinition disposable);

}  // namespace varve::preloading
