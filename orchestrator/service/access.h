// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the rights before anything tells whether a VM exists.
#pragma once

#include "orchestrator/config/rights.h"
#include "orchestrator/definitions/store.h"
#include "orchestrator/service/requesters.h"

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace varve::service {

// Thread-safe, as what it refers to.
class Access {
public:
    // Whether a VM is kept ready, and nobody's yet.
    using Kept = std::function<bool(const base::VmName& vm)>;

    // Without requesters nobody has a disposable for having asked for it.
    Access(orchestrator::Rights rights, const definitions::DefinitionStore& store, Kept kept, const Requesters* requesters = nullptr)
        : rights_(std::make_shared<const orchestrator::Rights>(std::move(rights))),
          store_(store),
          kept_(std::move(kept)),
          requesters_(requesters) {}

    // From now on, also for what connected before.
    void set_rights(orchestrator::Rights rights);

    // Denied: in the same words for a VM that does not exist; NotFound for those who would have the right if it did (but to create it). One that is kept
    // ready exists for administrators alone; for them what would change it for who gets it next is Busy.
    [[nodiscard]] base::Result<> check(const orchestrator::Caller& caller, orchestrator::Verb verb, const base::VmName& vm) const;
    [[nodiscard]] bool allows(const orchestrator::Caller& caller, orchestrator::Verb verb, const base::VmName& vm) const;
    // NotFound, InvalidArgument: for who has the right to know.
    [[nodiscard]] base::Result<> check_disposable_template(const base::VmName& vm) const;
    [[nodiscard]] bool is_administrator(const orchestrator::Caller& caller) const { return rights()->is_administrator(caller); }
    // Whom the caller sees: no other VM's name may be told to him. For as long as this lives.
    [[nodiscard]] definitions::Shown shown_to(const orchestrator::Caller& caller) const {
        return [this, caller](const base::VmName& vm) { return allows(caller, orchestrator::Verb::See, vm); };
    }
    [[nodiscard]] bool allows(const orchestrator::Caller& caller, orchestrator::Verb verb, const definitions::VmDefinition& vm) const {
        return rights()->is_administrator(caller) || (!kept_(vm.name) && has_right(caller, verb, vm));
    }

private:
    [[nodiscard]] base::Result<definitions::VmDefinition> find(const base::VmName& vm) const;
    [[nodiscard]] bool has_right(const orchestrator::Caller& caller, orchestrator::Verb verb, const definitions::VmDefinition& vm) const;
    [[nodiscard]] bool has_right(const orchestrator::Caller& caller, orchestrator::Verb verb, const base::VmName& vm,
                                 const base::Result<definitions::VmDefinition>& definition) const;
    [[nodiscard]] base::Result<> check_kept(orchestrator::Verb verb, const base::VmName& vm) const;

    [[nodiscard]] std::shared_ptr<const orchestrator::Rights> rights() const;

    mutable std::mutex mutex_;
    std::shared_ptr<const orchestrator::Rights> rights_;  // under the mutex
    const definitions::DefinitionStore& store_;
    const Kept kept_;
    const Requesters* const requesters_;
};

}  // namespace varve::service
