// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/access.h"

namespace varve::service {

bool Access::allows(const orchestrator::Caller& caller, orchestrator::Verb verb, const base::VmName& vm) const {
    if (rights_.is_administrator(caller)) return true;
    const auto definition = store_.find(vm);
    return rights_.allows(caller, verb, vm, definition ? definition->tags : std::set<definitions::Tag>());
}

base::Result<> Access::check(const orchestrator::Caller& caller, orchestrator::Verb verb, const base::VmName& vm) const {
    if (allows(caller, verb, vm)) return {};
    return base::fail(base::Errc::Denied, "you have no right to " + std::string(orchestrator::name_of(verb)) + " '" + vm.str() +
                                              "', or there is no such VM; orchestrator.toml says who may do what");
}

base::Result<> Access::check_disposable_template(const base::VmName& vm) const {
    if (definitions::disposables_of(TRY(store_.find(vm))) != nullptr) return {};
    return base::fail(base::Errc::InvalidArgument,
                      "'" + vm.str() + "' is not a disposable template; 'template_for_dispvms = true' makes it one");
}

}  // namespace varve::service
