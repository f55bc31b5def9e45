// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool that this process owns, with the VMs in it.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/base/units.h"
#include "fs/engine/lock_table.h"
#include "fs/engine/pool_owner.h"
#include "fs/engine/sources.h"
#include "fs/engine/vm.h"

#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

namespace varve::engine {

struct PoolSpec {
    base::PoolName name;
    std::string driver;
    api::RevisionsToKeep revisions_to_keep = api::RevisionsToKeep::standard();
    api::Ownership ownership;  // of new VM directories
    api::Schedule schedule{};
    std::optional<base::Portion> prune_below{};  // of free space: what only a schedule keeps goes when there is less
};

// Thread-safe.
class OpenPool : public std::enable_shared_from_this<OpenPool> {
public:
    // Takes ownership of the pool's storage (Busy when another process has it), recovers it and loads what is there.
    [[nodiscard]] static base::Result<std::shared_ptr<OpenPool>> open(PoolSpec spec, std::unique_ptr<api::Pool> driver);

    [[nodiscard]] const base::PoolName& name() const { return name_; }
    [[nodiscard]] const std::string& driver_name() const { return driver_name_; }
    [[nodiscard]] const api::Ownership& ownership() const { return ownership_; }
    [[nodiscard]] api::Pool& driver() const { return *driver_; }
    [[nodiscard]] LockTable& locks() { return locks_; }
    [[nodiscard]] Sources& sources() { return sources_; }
    [[nodiscard]] base::Timestamp opened() const { return opened_; }
    // Why VMs that lie in the pool are not shown: their records or directories cannot be read. Nothing of them is touched.
    [[nodiscard]] const std::vector<base::Error>& unreadable_vms() const { return unreadable_vms_; }

    [[nodiscard]] api::RevisionsToKeep revisions_to_keep() const;
    void set_revisions_to_keep(api::RevisionsToKeep keep);
    [[nodiscard]] api::Schedule schedule() const;
    void set_schedule(const api::Schedule& schedule);
    [[nodiscard]] std::optional<base::Portion> prune_below() const;
    void set_prune_below(const std::optional<base::Portion>& portion);

    [[nodiscard]] VmPtr find(const base::VmName& name) const;  // nullptr when there is none
    [[nodiscard]] std::vector<VmPtr> vms() const;              // by name
    void add(VmPtr vm);
    void remove(const base::VmName& name);
    void rename(const base::VmName& from, const base::VmName& to);
    // Gives the storage up to other owners and forgets the VMs. Who still holds one of them can read on, and is refused everything else.
    void close();

private:
    OpenPool(PoolSpec spec, std::unique_ptr<api::Pool> driver, PoolOwner owner);
    [[nodiscard]] base::Result<> load();

    base::PoolName name_;
    std::string driver_name_;
    api::Ownership ownership_;
    base::Timestamp opened_;
    std::optional<PoolOwner> owner_;  // before driver_: released last
    std::unique_ptr<api::Pool> driver_;
    LockTable locks_;
    Sources sources_;
    mutable std::shared_mutex mutex_;
    api::RevisionsToKeep revisions_to_keep_;
    api::Schedule schedule_;
    std::optional<base::Portion> prune_below_;
    std::map<base::VmName, VmPtr> vms_;
    std::vector<base::Error> unreadable_vms_;  // set by load()
};

}  // namespace varve::engine
