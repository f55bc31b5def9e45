// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the rights before anything tells whether a VM exists.
#pragma once

#include "orchestrator/config/rights.h"
#include "orchestrator/definitions/store.h"

namespace varve::service {

// Thread-safe, as what it refers to.
class Access {
public:
    Access(const orchestrator::Rights& rights, const definitions::DefinitionStore& store) : rights_(rights), store_(store) {}

    // Denied: in the same words for a VM that does not exist.
    [[nodiscard]] base::Result<> check(const orchestrator::Caller& caller, orchestrator::Verb verb, const base::VmName& vm) const;
    [[nodiscard]] bool allows(const orchestrator::Caller& caller, orchestrator::Verb verb, const base::VmName& vm) const;
    // NotFound, InvalidArgument: for who has the right to know.
    [[nodiscard]] base::Result<> check_disposable_template(const base::VmName& vm) const;
    [[nodiscard]] bool is_administrator(const orchestrator::Caller& caller) const { return rights_.is_administrator(caller); }
    [[nodiscard]] bool allows(const orchestrator::Caller& caller, orchestrator::Verb verb, const definitions::VmDefinition& vm) const {
        return rights_.allows(caller, verb, vm.name, vm.tags);
    }

private:
    const orchestrator::Rights& rights_;
    const definitions::DefinitionStore& store_;
};

}  // namespace varve::service
