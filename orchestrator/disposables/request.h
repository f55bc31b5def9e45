// SPDX-License-Identifier: LGPL-2.1-or-later
// Which disposable template a request means: pure.
#pragma once

#include "orchestrator/definitions/rules.h"

#include <optional>
#include <variant>

namespace varve::disposables {

// A template by its name, any that has a tag, or the caller's default.
struct TheDefault {
    friend bool operator==(TheDefault, TheDefault) = default;
};
using Wanted = std::variant<base::VmName, definitions::Tag, TheDefault>;

// The VM's default disposable template: a disposable's is always its own template, a VM without one has the system's. NotFound when there is
// none at all, Denied when the VM shall have no disposables.
[[nodiscard]] base::Result<base::VmName> default_for(const definitions::VmDefinition& vm, const std::optional<base::VmName>& systems);

// NotFound, InvalidArgument for a VM that disposables cannot be made of; as default_for(). Of several with the tag, the first by name.
// `caller` is absent for requests of the host, which have the system's default.
[[nodiscard]] base::Result<base::VmName> template_for(const Wanted& wanted, const std::optional<base::VmName>& caller,
                                                      const definitions::Definitions& all, const std::optional<base::VmName>& systems);

}  // namespace varve::disposables
