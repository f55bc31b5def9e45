// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/xen_keys.h"

#include "orchestrator/xenstore/guest_keys.h"

#include <string>

namespace varve::vm {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using xenstore::Key;

Result<xenstore::DomainId> id_of(const hypervisor::Domain& domain) {
    if (!domain.number || *domain.number >= xenstore::first_reserved_domain)
        return fail(Errc::Io, "the domain " + domain.name + " has no number that a domain on Xen can have");
    return xenstore::DomainId{static_cast<std::uint16_t>(*domain.number)};
}

}  // namespace

Result<std::shared_ptr<xenstore::XenStore>> XenKeys::store() {
    const std::lock_guard lock(mutex_);
    if (!store_) store_ = TRY(open_());
    return store_;
}

Result<> XenKeys::publish(const hypervisor::Domain& domain, const definitions::VmDefinition& vm) {
    const auto id = TRY(id_of(domain));
    xenstore::GuestKeys keys;
    keys.emplace(TRY(Key::parse("name")), vm.name.str());
    keys.emplace(TRY(Key::parse("class")), std::string(definitions::class_name(vm)));
    if (const auto* from = definitions::template_of(vm)) keys.emplace(TRY(Key::parse("template")), from->str());
    for (const auto& [index, address] : definitions::fixed_addresses(vm.interfaces))
        keys.emplace(TRY(Key::parse("ip-" + std::to_string(index))), address.str());
    const auto store = TRY(this->store());
    return xenstore::publish(*store, id, keys);
}

Result<> XenKeys::wait_until_ready(const hypervisor::Domain& domain, std::chrono::milliseconds longest,
                                   const std::function<bool()>& given_up) {
    const auto id = TRY(id_of(domain));
    const auto key = TRY(Key::parse("ready"));
    const auto store = TRY(this->store());
    return xenstore::wait_for_guest(*store, id, key, "1", longest, given_up);
}

}  // namespace varve::vm
