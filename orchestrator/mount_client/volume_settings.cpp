// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/volume_settings.h"

#include "fs/protocol/names.h"

namespace varve::mount_client {

using base::Result;
namespace volume_file = protocol::volume_file;

std::string setting(std::string_view file, std::string_view value) { return std::string(file) + "=" + std::string(value); }

Result<> configure(const Mount& mount, const base::VolumeId& volume, std::vector<std::string> settings) {
    settings.insert(settings.begin(), std::string(protocol::verb::configure));
    auto reply = mount.command(volume_control(volume, volume_file::ctl), volume.str(), settings);
    if (!reply) return base::Failure(std::move(reply).error());
    if (!reply->ok) return base::Failure(std::move(reply->error));
    return {};
}

Result<> copy_settings(const Mount& mount, const base::VolumeId& from, const base::VolumeId& to) {
    for (const auto setting : {volume_file::rw, volume_file::ephemeral, volume_file::revisions_to_keep, volume_file::schedule}) {
        const auto wanted = TRY(mount.value(volume_control(from, setting)));
        const auto present = TRY(mount.value(volume_control(to, setting)));
        if (wanted != present) TRY(mount.set_value(volume_control(to, setting), wanted));
    }
    return {};
}

}  // namespace varve::mount_client
