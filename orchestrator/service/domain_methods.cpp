// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/arguments.h"
#include "orchestrator/service/methods.h"

#include <array>

namespace varve::service {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using definitions::HypervisorUri;
using definitions::Uuid;
using hypervisor::DomainState;
using nlohmann::json;

// Beyond, nobody wrote it by hand or by a program for that.
constexpr std::size_t largest_description = std::size_t{1} << 20;

constexpr std::array<std::string_view, 2> parameters{"domain", "hypervisor"};

std::string_view name_of(DomainState state) {
    switch (state) {
        case DomainState::Defined: return "defined";
        case DomainState::Running: return "running";
        case DomainState::Paused: return "paused";
        case DomainState::Stopping: return "stopping";
    }
    return "";
}

// Domains that are not VMs' are nobody's in the orchestrator's rights.
Result<> check_administrator(const Access& access, const rpc::Call& call) {
    if (access.is_administrator(call.caller)) return {};
    return fail(Errc::Denied, "only an administrator may look at domains that are not VMs'");
}

Result<json> info_of(const hypervisor::DomainDefinition& found, const std::string& uri) {
    if (found.xml.size() > largest_description)
        return fail(Errc::TooLarge, "the description of the domain " + found.domain.name + " is longer than 1 MiB");
    return json{{"name", found.domain.name},
                {"uuid", found.domain.uuid.str()},
                {"hypervisor", uri},
                {"state", name_of(found.domain.state)},
                {"vm", found.domain.vm ? json(found.domain.vm->str()) : json()},
                {"saved", found.saved},
                {"snapshots", found.snapshots},
                {"xml", found.xml}};
}

}  // namespace

void add_domain_methods(rpc::MethodTable& methods, const HypervisorFinder& hypervisor, const Access& access) {
    methods.add("domain.info", rpc::Length::Long, [hypervisor, &access](const json& params, const rpc::Call& call) -> Result<json> {
        TRY(check_administrator(access, call));
        const auto arguments = TRY(Arguments::of(params, parameters));
        const auto domain = TRY(arguments.text("domain"));
        const auto at = hypervisor(TRY(arguments.optional_name<HypervisorUri>("hypervisor")));
        return info_of(TRY(at->definition(domain)), at->uri());
    });
    methods.add("domain.undefine", rpc::Length::Long, [hypervisor, &access](const json& params, const rpc::Call& call) -> Result<json> {
        TRY(check_administrator(access, call));
        const auto arguments = TRY(Arguments::of(params, parameters));
        const auto domain = TRY(arguments.name<Uuid>("domain"));
        TRY(hypervisor(TRY(arguments.optional_name<HypervisorUri>("hypervisor")))->undefine(domain));
        return json::object();
    });
}

}  // namespace varve::service
