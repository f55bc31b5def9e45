// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/adoption/carry_out.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/create.h"
#include "orchestrator/mount_client/reference.h"

#include <vector>

namespace varve::adoption {
namespace {

using base::Result;
using mount_client::Mount;
namespace volume_file = protocol::volume_file;

Result<> create(const Mount& mount, const base::VolumeId& id, const Step& step) {
    const auto& wanted = step.wanted;
    const mount_client::VmReference vm{id.pool, id.vm};
    // The VM's other volumes may have made it by now.
    if (step.makes_vm) TRY(mount_client::create_vm(mount, vm, true));
    return mount_client::create_volume(
        mount,
        {id, std::string(qubes_xml::name_of(wanted.kind)), wanted.source ? link_to(*wanted.source) : std::to_string(wanted.size.count),
         wanted.revisions_to_keep ? std::to_string(*wanted.revisions_to_keep) : std::string(), wanted.rw, wanted.ephemeral});
}

Result<> send(const Mount& mount, const base::VolumeId& id, const std::vector<std::string>& words) {
    auto reply = mount.command(mount_client::volume_control(id, volume_file::ctl), id.str(), words);
    if (!reply) return base::Failure(std::move(reply).error());
    if (!reply->ok) return base::Failure(std::move(reply->error));
    return {};
}

}  // namespace

Result<> carry_out(const Mount& mount, const base::PoolName& pool, const Step& step) {
    const base::VolumeId id{pool, step.wanted.volume.vm, step.wanted.volume.volume};
    if (step.action == Action::Create) return create(mount, id, step);
    for (const auto& change : step.changes) {
        if (change.file == volume_file::size)
            TRY(send(mount, id, {std::string(protocol::verb::resize), change.value}));
        else
            TRY(mount.set_value(mount_client::volume_control(id, change.file), change.value));
    }
    return {};
}

}  // namespace varve::adoption
