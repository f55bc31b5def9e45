// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/memory_promises.h"

#include <utility>

namespace varve::vm {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;
using base::VmName;

Bytes sum(const std::map<VmName, Bytes>& promised, const std::set<VmName>& but) {
    Bytes all;
    for (const auto& [vm, amount] : promised)
        if (!but.contains(vm)) all = all + amount;
    return all;
}

Result<std::unique_ptr<MemoryPromise>> too_little(const VmName& vm, Bytes amount, Bytes free, Bytes others) {
    const auto taken = others.count == 0 ? "" : ", VMs that are starting may take " + base::human(others) + " of it,";
    return fail(Errc::NoSpace,
                "the host has " + base::human(free) + " of memory free" + taken + " and " + vm.str() + " needs " + base::human(amount));
}

}  // namespace

class MemoryPromises::Promise final : public MemoryPromise {
public:
    Promise(Account& account, VmName vm, Bytes amount) : account_(account), vm_(std::move(vm)) { account_.promised[vm_] = amount; }
    ~Promise() override {
        const std::scoped_lock lock(account_.mutex);
        account_.promised.erase(vm_);
        account_.ended.notify_all();
    }
    Promise(const Promise&) = delete;
    Promise& operator=(const Promise&) = delete;

private:
    Account& account_;
    const VmName vm_;
};

MemoryPromises::Account& MemoryPromises::account_of(const hypervisor::Hypervisor& hypervisor) {
    const std::scoped_lock lock(mutex_);
    return accounts_[hypervisor.uri()];
}

Result<std::unique_ptr<MemoryPromise>> MemoryPromises::promise(hypervisor::Hypervisor& hypervisor, const VmName& vm, Bytes amount,
                                                               Deadline deadline) {
    auto& account = account_of(hypervisor);
    std::unique_lock lock(account.mutex);
    while (true) {
        const auto free = TRY(hypervisor.free_memory());
        const auto others = sum(account.promised, {vm});
        if (free >= others + amount) return std::unique_ptr<MemoryPromise>(std::make_unique<Promise>(account, vm, amount));
        const bool may_suffice = free >= amount;
        if (!may_suffice || account.ended.wait_until(lock, deadline) == std::cv_status::timeout)
            return too_little(vm, amount, free, others);
    }
}

Result<Bytes> MemoryPromises::free(hypervisor::Hypervisor& hypervisor, const std::set<VmName>& but) {
    auto& account = account_of(hypervisor);
    const std::scoped_lock lock(account.mutex);
    const auto free = TRY(hypervisor.free_memory());
    const auto others = sum(account.promised, but);
    return free > others ? free - others : Bytes();
}

}  // namespace varve::vm
