// SPDX-License-Identifier: LGPL-2.1-or-later
// Disposables: made, started, and removed when they have shut down.
#pragma once

#include "orchestrator/definitions/store.h"
#include "orchestrator/disposables/ids.h"
#include "orchestrator/disposables/request.h"
#include "orchestrator/preloading/makers.h"
#include "orchestrator/service/places.h"
#include "orchestrator/service/requesters.h"
#include "orchestrator/vm/machines.h"

#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace varve::service {

// Thread-safe. What it refers to outlives it.
class Disposables final : public preloading::Makers {
public:
    // Called about what nobody waits for: a VM and what could not be done about it or noted of it.
    using Report = std::function<void(const base::VmName& vm, const base::Error& error)>;

    Disposables(definitions::DefinitionStore& store, vm::Machines& machines, Places& places, disposables::Ids ids,
                std::optional<base::VmName> systems_default, Requesters& requesters, Report report);
    // Hears of no more VMs, and waits for the removal that is under way. The rest is removed at the next start.
    ~Disposables() override;
    Disposables(const Disposables&) = delete;
    Disposables& operator=(const Disposables&) = delete;

    // The system's default_dispvm, from now on.
    void set_default(std::optional<base::VmName> systems_default);
    // The template that a request of the host means.
    [[nodiscard]] base::Result<base::VmName> template_for(const disposables::Wanted& wanted,
                                                          const std::optional<base::VmName>& caller) const;

    // A new unnamed one of the template, running, for this user. After a failure nothing is left of it. It is removed when it has shut down, however that comes.
    [[nodiscard]] base::Result<vm::StartReport> start(const base::VmName& template_vm, uid_t requester, const vm::StageListener& listener);
    // One that was kept ready is this user's from now on; waits for nothing. keep_requester() makes that known to the next orchestrator, too.
    void give(const base::VmName& vm, uid_t requester);
    void keep_requester(const base::VmName& vm);

    // ---- for preloading
    [[nodiscard]] base::Result<preloading::Origin> look(const base::VmName& template_vm) override;
    [[nodiscard]] base::Result<base::VmName> reserve_name() override;
    [[nodiscard]] base::Result<> make(const base::VmName& name, const base::VmName& template_vm) override;
    [[nodiscard]] base::Result<> end(const base::VmName& vm) override;

    // Removes unnamed ones that do not run: what a killed orchestrator could not. Those that cannot be removed are reported.
    void sweep();
    // Tries again what could not be removed: at the machine's start the mount may come after the orchestrator.
    void mount_came();

private:
    using Volumes = std::vector<disposables::DisposableVolume>;
    [[nodiscard]] base::Result<Volumes> volumes_of(const base::VmName& template_vm) const;
    [[nodiscard]] base::Result<> make(const base::VmName& name, const base::VmName& template_vm, const Volumes& volumes);
    [[nodiscard]] base::Result<> end_now(const base::VmName& vm);
    [[nodiscard]] base::Result<> remove_now(const base::VmName& vm);
    [[nodiscard]] bool is_unnamed(const base::VmName& vm) const;
    void ended(const base::VmName& vm);
    void remove(const base::VmName& vm, int tries_left);

    definitions::DefinitionStore& store_;
    vm::Machines& machines_;
    Places& places_;
    mutable std::mutex default_mutex_;
    std::optional<base::VmName> systems_default_;  // under the mutex
    Requesters& requesters_;
    const Report report_;
    std::mutex ids_mutex_;
    disposables::Ids ids_;         // under the mutex
    std::set<base::VmName> left_;  // could not be removed; the remover's alone
    boost::asio::thread_pool remover_{1};
    std::unique_ptr<vm::VmSubscription> subscription_;  // ends before the remover
};

}  // namespace varve::service
