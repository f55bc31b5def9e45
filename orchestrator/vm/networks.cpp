// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/networks.h"

#include "orchestrator/domain_xml/description.h"
#include "orchestrator/domain_xml/interface.h"

#include <algorithm>
#include <string>

namespace varve::vm {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using definitions::Interface;
using domain_xml::Link;
using domain_xml::LiveInterface;
using Interfaces = std::vector<Interface>;

bool is_on(const LiveInterface& live, const Interface& wanted) {
    return live.source == wanted.source && (!wanted.mac || live.mac == wanted.mac);
}

class Change {
public:
    Change(hypervisor::Hypervisor& hypervisor, const definitions::VmDefinition& vm, const definitions::Uuid& domain,
           domain_xml::DomainType type)
        : hypervisor_(hypervisor), vm_(vm), domain_(domain), type_(type) {}

    Result<> run(const Interfaces& wanted) const {
        if (definitions::fixed_addresses(vm_.interfaces) != definitions::fixed_addresses(wanted))
            return fail(Errc::Unsupported, "the guest of " + vm_.name.str() + " was told its fixed IP addresses when it began");
        const auto linked = TRY(read_linked());
        const auto live = TRY(own_of(linked, vm_.interfaces));
        const auto both = std::min(live.size(), wanted.size());
        for (auto index = wanted.size(); index < live.size(); ++index) TRY(take_away(live[index]));
        for (std::size_t index = 0; index < both; ++index) TRY(move(live[index], wanted[index]));
        for (auto index = live.size(); index < wanted.size(); ++index) TRY(add(wanted[index]));
        const auto after = TRY(read_linked());
        if (after.size() + live.size() != linked.size() + wanted.size()) return other_interfaces();
        (void)TRY(own_of(after, wanted));
        return {};
    }

private:
    // One without a link was taken away, and its guest has not let go of it yet.
    [[nodiscard]] Result<std::vector<LiveInterface>> read_linked() const {
        auto all = TRY(domain_xml::read_description(TRY(hypervisor_.description(domain_)))).interfaces;
        std::erase_if(all, [](const LiveInterface& each) { return each.link == Link::Down; });
        return all;
    }

    // Those of a domain template of the VM's own come before.
    [[nodiscard]] Result<std::vector<LiveInterface>> own_of(const std::vector<LiveInterface>& linked, const Interfaces& expected) const {
        if (linked.size() < expected.size()) return other_interfaces();
        const std::vector<LiveInterface> own(linked.end() - static_cast<std::ptrdiff_t>(expected.size()), linked.end());
        if (!std::ranges::equal(own, expected, is_on)) return other_interfaces();
        return own;
    }

    [[nodiscard]] base::Failure other_interfaces() const {
        return fail(Errc::Busy, "the domain of " + vm_.name.str() + " has other network interfaces than it was given");
    }

    [[nodiscard]] Result<Interface> identity(const LiveInterface& live) const {
        if (!live.source || !live.mac) return other_interfaces();
        return Interface{*live.source, live.mac, {}};
    }

    [[nodiscard]] Result<> take_away(const LiveInterface& live) const {
        const auto off = hypervisor_.update_interface(domain_, domain_xml::interface_xml(TRY(identity(live)), type_, Link::Down));
        if (!off) return off.error().code == Errc::Unsupported ? detach(live) : off;
        // A guest that keeps it has an interface without a link.
        if (!live.alias.empty()) (void)hypervisor_.release_device(domain_, live.alias);
        return {};
    }

    [[nodiscard]] Result<> move(const LiveInterface& live, const Interface& wanted) const {
        if (is_on(live, wanted)) return {};
        if (!wanted.mac || wanted.mac == live.mac) {
            const auto moved = hypervisor_.update_interface(domain_, domain_xml::interface_xml({wanted.source, live.mac, {}}, type_));
            if (moved || moved.error().code != Errc::Unsupported) return moved;
        }
        TRY(detach(live));
        return add(wanted);
    }

    [[nodiscard]] Result<> detach(const LiveInterface& live) const {
        const auto before = TRY(read_linked()).size();
        TRY(hypervisor_.detach_device(domain_, domain_xml::interface_xml(TRY(identity(live)), type_)));
        if (TRY(read_linked()).size() < before) return {};
        return fail(Errc::TimedOut, vm_.name.str() + " does not let go of its network interface " + live.mac->str());
    }

    [[nodiscard]] Result<> add(const Interface& wanted) const {
        return hypervisor_.attach_device(domain_, domain_xml::interface_xml(wanted, type_));
    }

    hypervisor::Hypervisor& hypervisor_;
    const definitions::VmDefinition& vm_;
    const definitions::Uuid& domain_;
    const domain_xml::DomainType type_;
};

}  // namespace

Result<> change_networks(const Surroundings& world, const definitions::VmDefinition& vm, const definitions::Uuid& domain,
                         const std::vector<Interface>& wanted) {
    auto& hypervisor = world.hypervisors.at(world.uri_of(vm));
    const auto type = TRY(hypervisor.domain_type());
    return Change(hypervisor, vm, domain, type).run(wanted);
}

}  // namespace varve::vm
