// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/versions.h"

#include "fs/protocol/names.h"

#include <array>
#include <utility>

namespace varve::service {
namespace {

using base::Result;

class MountVersions final : public Versions {
public:
    explicit MountVersions(std::string mountpoint) : mountpoint_(std::move(mountpoint)) {}

    Result<mount_client::Volume> read(const base::VolumeId& volume) override {
        const auto mount = TRY(mount_client::Mount::open(mountpoint_));
        return mount_client::read_volume(mount, volume);
    }

    Result<std::optional<std::string>> base_time(const base::VolumeId& volume) override {
        const auto mount = TRY(mount_client::Mount::open(mountpoint_));
        return mount_client::read_base_time(mount, volume);
    }

    Result<> revert(const base::VolumeId& volume, const base::RevisionId& revision) override {
        const auto mount = TRY(mount_client::Mount::open(mountpoint_));
        const std::array<std::string, 2> words{std::string(protocol::verb::revert), revision.str()};
        const auto reply = TRY(mount.command(mount_client::volume_control(volume, protocol::volume_file::ctl), volume.str(), words));
        if (!reply.ok) return base::Failure(reply.error);
        return {};
    }

private:
    std::string mountpoint_;
};

}  // namespace

std::unique_ptr<Versions> make_mount_versions(std::string mountpoint) { return std::make_unique<MountVersions>(std::move(mountpoint)); }

}  // namespace varve::service
