// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/surroundings.h"

namespace varve::vm {

base::Result<std::reference_wrapper<hypervisor::Hypervisor>> Surroundings::hypervisor_of(const definitions::VmDefinition& vm) const {
    const auto session = TRY(records.find(vm.name));
    return std::ref(hypervisors.at(session && !session->hypervisor.empty() ? session->hypervisor : uri_of(vm)));
}

std::map<base::VmName, std::string> Surroundings::uris_of_all(const std::vector<SessionRecord>& sessions) const {
    std::map<base::VmName, std::string> uris;
    for (const auto& vm : definitions.all()) uris.emplace(vm.name, uri_of(vm));
    for (const auto& session : sessions)
        if (const auto found = uris.find(session.vm); found != uris.end() && !session.hypervisor.empty())
            found->second = session.hypervisor;
    return uris;
}

}  // namespace varve::vm
