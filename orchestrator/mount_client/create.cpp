// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/create.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/volume_settings.h"

#include <vector>

namespace varve::mount_client {
namespace {

using base::Errc;
using base::Result;
namespace volume_file = protocol::volume_file;

// With its settings in the same step: at no time is there a volume without them.
std::vector<std::string> command_for(const NewVolume& wanted) {
    std::vector words{std::string(protocol::verb::create), wanted.volume.volume.str(), wanted.kind, wanted.content};
    if (!wanted.rw) words.push_back(setting(volume_file::rw, "0"));
    if (wanted.ephemeral) words.push_back(setting(volume_file::ephemeral, "1"));
    if (!wanted.revisions_to_keep.empty()) words.push_back(setting(volume_file::revisions_to_keep, wanted.revisions_to_keep));
    return words;
}

}  // namespace

Result<StateReference> parse_source_link(const base::PoolName& pool, std::string_view link) {
    const auto refuse = [&] { return base::fail(Errc::InvalidName, "'" + shown(link) + "' is no link to a volume of another VM"); };
    constexpr std::string_view up = "../";
    const auto suffix = link.rfind(protocol::volume_suffix, link.find(protocol::revision_separator));
    if (!link.starts_with(up) || suffix == std::string_view::npos) return refuse();
    const auto rest = link.substr(suffix + protocol::volume_suffix.size());
    if (!rest.empty() && rest.front() != protocol::revision_separator) return refuse();
    const auto path = link.substr(up.size(), suffix - up.size());
    auto reference = TRY(parse_reference(pool.str() + "/" + std::string(path) + std::string(rest)));
    auto* state = std::get_if<StateReference>(&reference);
    if (state == nullptr) return refuse();
    return std::move(*state);
}

Result<std::string> source_volume_link(const Mount& mount, const base::VolumeId& volume) {
    const auto source = TRY(mount.value(volume_control(volume, volume_file::source)));
    return source.substr(0, source.find(protocol::revision_separator));
}

std::string source_link(const StateReference& source) { return "../" + source.volume.vm.str() + "/" + state_name(source); }

Result<> create_volume(const Mount& mount, const NewVolume& wanted) {
    const VmReference vm{wanted.volume.pool, wanted.volume.vm};
    auto reply = mount.command(vm_control(vm, protocol::vm_file::ctl), vm.str(), command_for(wanted));
    if (!reply) return base::Failure(std::move(reply).error());
    if (!reply->ok) return base::Failure(std::move(reply->error));
    return {};
}

Result<> create_volume_and_vm(const Mount& mount, const NewVolume& wanted, const std::function<bool()>& interrupted) {
    auto place = TRY(VmToFill::make(mount, {wanted.volume.pool, wanted.volume.vm}));
    if (interrupted && interrupted()) return base::fail(Errc::Interrupted, "interrupted before " + wanted.volume.str() + " was made");
    TRY(create_volume(mount, wanted));
    place.keep();
    return {};
}

Result<> create_vm(const Mount& mount, const VmReference& vm, bool exists_is_fine) {
    auto made = mount.make_directory(vm_directory(vm));
    if (!made && exists_is_fine && made.error().code == Errc::Exists) return {};
    return made;
}

Result<VmToFill> VmToFill::make(const Mount& mount, const VmReference& vm) {
    const auto made = mount.make_directory(vm_directory(vm));
    if (made) return VmToFill(mount, vm);
    if (made.error().code == Errc::Exists) return VmToFill(mount, std::nullopt);
    return base::Failure(made.error());
}

VmToFill::~VmToFill() {
    if (made_) (void)mount_->remove_directory(vm_directory(*made_));  // refused as soon as something is in it
}

}  // namespace varve::mount_client
