// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/places.h"

#include "drivers/base/overloaded.h"
#include "drivers/base/timestamp.h"
#include "fs/protocol/names.h"
#include "orchestrator/mount_client/create.h"
#include "orchestrator/mount_client/inventory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace varve::service {
namespace {

using base::Result;
using disposables::EmptyAtStart;
using disposables::StartsFrom;

class MountPlaces final : public Places {
public:
    explicit MountPlaces(std::string mountpoint) : mountpoint_(std::move(mountpoint)) {}

    Result<disposables::TemplateVolume> look(const base::VmName& vm, const definitions::VolumeUse& use) override {
        const auto mount = TRY(mount_client::Mount::open(mountpoint_));
        const base::VolumeId id{use.pool, vm, use.volume};
        const auto volume = TRY(mount_client::read_volume(mount, id));
        if (volume.kind == protocol::kind::volatile_volume) return disposables::TemplateVolume{use, EmptyAtStart{{volume.size}}};
        if (volume.kind == protocol::kind::origin) return disposables::TemplateVolume{use, disposables::Keeps{}};
        const auto source = TRY(mount_client::parse_source_link(id.pool, volume.source));
        return disposables::TemplateVolume{use, StartsFrom{{source.volume.path(), source.revision}}};
    }

    // A state is never written: another one has another time.
    Result<std::string> identity(const base::VolumeId& volume, const std::optional<base::RevisionId>& revision) override {
        const auto mount = TRY(mount_client::Mount::open(mountpoint_));
        const mount_client::StateReference state{volume, revision};
        struct stat status {};
        if (::fstatat(mount.directory(), mount_client::state_path(state).c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            return base::fail_errno(errno, "cannot look at " + state.str());
        const auto time = base::Timestamp::from(status.st_mtim);
        return (revision ? "@" + revision->str() + " " : "") + std::to_string(time.seconds) + "." + std::to_string(time.nanoseconds) + " " +
               std::to_string(status.st_size);
    }

    Result<> create(const base::VmName& vm, const disposables::DisposableVolume& volume) override {
        const auto mount = TRY(mount_client::Mount::open(mountpoint_));
        TRY(mount_client::create_vm(mount, {volume.pool, vm}, true));
        mount_client::NewVolume wanted{{volume.pool, vm, volume.volume}, "", "", ""};
        std::visit(base::Overloaded{
                       [&](const StartsFrom& from) {
                           wanted.kind = protocol::kind::snapshot;
                           const auto& path = from.source.volume;
                           wanted.content = mount_client::source_link({{volume.pool, path.vm, path.volume}, from.source.revision});
                       },
                       [&](EmptyAtStart empty) {
                           wanted.kind = protocol::kind::volatile_volume;
                           wanted.content = std::to_string(empty.size.count);
                       },
                   },
                   volume.kind);
        return mount_client::create_volume(mount, wanted);
    }

private:
    std::string mountpoint_;
};

}  // namespace

std::unique_ptr<Places> make_mount_places(std::string mountpoint) { return std::make_unique<MountPlaces>(std::move(mountpoint)); }

}  // namespace varve::service
