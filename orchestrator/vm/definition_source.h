// SPDX-License-Identifier: LGPL-2.1-or-later
// What the life cycle wants to know of definitions, and does to them: a port, so that it can be tested without a store.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/definitions/vm_definition.h"

#include <vector>

namespace varve::vm {

// Thread-safe.
class DefinitionSource {
public:
    DefinitionSource() = default;
    DefinitionSource(const DefinitionSource&) = delete;
    DefinitionSource& operator=(const DefinitionSource&) = delete;
    virtual ~DefinitionSource() = default;

    [[nodiscard]] virtual std::vector<definitions::VmDefinition> all() const = 0;
    [[nodiscard]] virtual base::Result<definitions::VmDefinition> find(const base::VmName& vm) const = 0;  // NotFound
    // Durable when they return.
    [[nodiscard]] virtual base::Result<> remove(const base::VmName& vm) = 0;
    [[nodiscard]] virtual base::Result<> rename(const base::VmName& vm, const base::VmName& to) = 0;
    [[nodiscard]] virtual base::Result<> clone(const base::VmName& vm, const base::VmName& to) = 0;
};

}  // namespace varve::vm
