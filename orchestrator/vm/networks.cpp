// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/networks.h"

#include "drivers/base/unique_fd.h"
#include "orchestrator/domain_xml/build.h"
#include "orchestrator/domain_xml/description.h"
#include "orchestrator/domain_xml/interface.h"
#include "orchestrator/mount_client/files.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

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

std::vector<LiveInterface> linked_of(domain_xml::Description description) {
    std::erase_if(description.interfaces, [](const LiveInterface& each) { return each.link == Link::Down; });
    return std::move(description.interfaces);
}

class Change {
public:
    Change(hypervisor::Hypervisor& hypervisor, const definitions::VmDefinition& vm, const definitions::Uuid& domain,
           domain_xml::DomainType type)
        : hypervisor_(hypervisor), vm_(vm), domain_(domain), type_(type) {}

    Result<> run(const Interfaces& wanted) const {
        if (definitions::fixed_addresses(vm_.interfaces) != definitions::fixed_addresses(wanted))
            return fail(Errc::Unsupported, "the guest of " + vm_.name.str() + " was told its fixed IP addresses when it began");
        const auto others = TRY(count_of_template());
        const auto live = TRY(own_of(TRY(read_linked()), others, wanted));
        const auto both = std::min(live.size(), wanted.size());
        for (auto index = wanted.size(); index < live.size(); ++index) TRY(take_away(live[index]));
        for (std::size_t index = 0; index < both; ++index) TRY(move(live[index], wanted[index]));
        for (auto index = live.size(); index < wanted.size(); ++index) TRY(add(wanted[index]));
        const auto after = TRY(own_of(TRY(read_linked()), others, wanted));
        return std::ranges::equal(after, wanted, is_on) ? Result<>() : other_interfaces();
    }

private:
    // One without a link was taken away, and its guest has not let go of it yet.
    [[nodiscard]] Result<std::vector<LiveInterface>> read_linked() const {
        return linked_of(TRY(domain_xml::read_description(TRY(hypervisor_.description(domain_)))));
    }

    // How many a domain template of the VM's own has; they come before.
    [[nodiscard]] Result<std::size_t> count_of_template() const {
        if (!vm_.domain_xml) return std::size_t{0};
        const base::UniqueFd fd(::open(vm_.domain_xml->c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd.valid()) return base::fail_errno(errno, "cannot open the domain template '" + vm_.domain_xml->string() + "'");
        const auto text = TRY(mount_client::read_to_end(fd.get(), domain_xml::largest_template));
        return linked_of(TRY(domain_xml::read_description(text))).size();
    }

    // A change that was broken off has left some as they were, and some as they are to be.
    [[nodiscard]] Result<std::vector<LiveInterface>> own_of(std::vector<LiveInterface> linked, std::size_t others,
                                                            const Interfaces& wanted) const {
        if (linked.size() < others + std::min(vm_.interfaces.size(), wanted.size())) return other_interfaces();
        if (linked.size() > others + std::max(vm_.interfaces.size(), wanted.size())) return other_interfaces();
        linked.erase(linked.begin(), linked.begin() + static_cast<std::ptrdiff_t>(others));
        for (std::size_t index = 0; index < linked.size(); ++index)
            if (!is_own(linked, index, wanted)) return other_interfaces();
        return linked;
    }

    [[nodiscard]] bool is_own(const std::vector<LiveInterface>& own, std::size_t index, const Interfaces& wanted) const {
        const auto& before = vm_.interfaces;
        if (index < wanted.size() && is_on(own[index], wanted[index])) return true;
        // Of those that are too many the first go first.
        const auto was = index < wanted.size() ? index : index + before.size() - own.size();
        return was < before.size() && is_on(own[index], before[was]);
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
            auto moved = hypervisor_.update_interface(domain_, domain_xml::interface_xml({wanted.source, live.mac, {}}, type_));
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
    auto& hypervisor = TRY(world.hypervisor_of(vm)).get();
    const auto type = TRY(hypervisor.domain_type());
    return Change(hypervisor, vm, domain, type).run(wanted);
}

}  // namespace varve::vm
