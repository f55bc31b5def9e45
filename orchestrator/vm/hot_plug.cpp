// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/hot_plug.h"

#include "orchestrator/domain_xml/description.h"
#include "orchestrator/vm/foreign_disk.h"
#include "orchestrator/vm/sessions.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace varve::vm {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using definitions::TargetName;
using domain_xml::Disk;

Result<std::vector<Disk>> disks_of(hypervisor::Hypervisor& hypervisor, const definitions::Uuid& domain) {
    return TRY(domain_xml::read_description(TRY(hypervisor.description(domain)))).disks;
}

Result<Disk> wanted_disk(const Surroundings& world, hypervisor::Hypervisor& hypervisor, const definitions::Uuid& domain,
                         const AttachRequest& request) {
    if (!request.path.is_absolute()) return fail(Errc::InvalidArgument, "'" + request.path.string() + "' is not an absolute path");
    const auto attachable = TRY(foreign_disk(world.storage, request.path, request.writable));
    std::set<std::string> used;
    for (const auto& disk : TRY(disks_of(hypervisor, domain))) used.insert(disk.target.str());
    const std::vector<domain_xml::WantedDisk> wanted{{request.target, attachable.path, attachable.kind, !request.writable}};
    const auto type = TRY(hypervisor.domain_type());
    return TRY(domain_xml::allot_targets(wanted, type, std::move(used))).front();
}

}  // namespace

Result<TargetName> attach_disk(const Surroundings& world, const definitions::VmDefinition& vm, const definitions::Uuid& domain,
                               const AttachRequest& request) {
    auto& hypervisor = TRY(world.hypervisor_of(vm)).get();
    const auto disk = TRY(wanted_disk(world, hypervisor, domain, request));
    const auto type = TRY(hypervisor.domain_type());
    const auto xml = TRY(domain_xml::disk_xml(disk, type));
    TRY(hypervisor.attach_device(domain, xml));
    return disk.target;
}

Result<> detach_disk(const Surroundings& world, const definitions::VmDefinition& vm, const definitions::Uuid& domain,
                     const TargetName& target) {
    auto& hypervisor = TRY(world.hypervisor_of(vm)).get();
    const auto disks = TRY(disks_of(hypervisor, domain));
    const auto found = std::ranges::find(disks, target, &Disk::target);
    if (found == disks.end()) return fail(Errc::NotFound, vm.name.str() + " has no disk called " + target.str());
    for (const auto& use : vm.volumes)
        if (const auto facts = TRY(world.storage.look(volume_id(vm.name, use))); facts.device == found->source)
            return fail(Errc::Busy,
                        target.str() + " is " + vm.name.str() + "'s own volume " + use.volume.str() + ", which stays as long as it runs");
    const auto type = TRY(hypervisor.domain_type());
    const auto xml = TRY(domain_xml::disk_xml(*found, type));
    TRY(hypervisor.detach_device(domain, xml));
    // libvirt waits some seconds for the guest, and says nothing when that was not enough.
    const auto left = TRY(disks_of(hypervisor, domain));
    if (std::ranges::find(left, target, &Disk::target) != left.end())
        return fail(Errc::TimedOut, vm.name.str() + " has not let go of " + target.str() + " yet: unmount it there");
    return {};
}

Result<> tell_new_size(const Surroundings& world, const definitions::VmDefinition& vm, const definitions::Uuid& domain,
                       const base::VolumeId& volume) {
    const auto facts = TRY(world.storage.look(volume));
    if (!facts.device) return {};
    auto& hypervisor = TRY(world.hypervisor_of(vm)).get();
    const auto disks = TRY(disks_of(hypervisor, domain));
    const auto found = std::ranges::find_if(disks, [&](const Disk& disk) { return disk.source == *facts.device; });
    if (found == disks.end()) return {};
    return hypervisor.resize_disk(domain, found->target.str(), facts.size);
}

}  // namespace varve::vm
