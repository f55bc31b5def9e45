// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/clone.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/create.h"
#include "orchestrator/mount_client/inventory.h"
#include "orchestrator/mount_client/scratch_file.h"
#include "orchestrator/mount_client/state_files.h"
#include "orchestrator/mount_client/volume_settings.h"

namespace varve::mount_client {
namespace {

using base::Errc;
using base::fail;
using base::Result;

// The place a clone is made in; removed with all its volumes unless it was handed over.
class HalfMadeVm {
public:
    HalfMadeVm(const Mount& mount, VmReference vm) : mount_(mount), vm_(std::move(vm)) {}
    HalfMadeVm(const HalfMadeVm&) = delete;
    HalfMadeVm& operator=(const HalfMadeVm&) = delete;
    ~HalfMadeVm() {
        if (complete_) return;
        // What cannot be removed stays under a name that says what it is.
        for (const auto& volume : made_) (void)mount_.unlink(state_path({volume, {}}));
        (void)mount_.remove_directory(vm_directory(vm_));
    }

    void made(base::VolumeId volume) { made_.push_back(std::move(volume)); }
    void complete() { complete_ = true; }

private:
    const Mount& mount_;
    VmReference vm_;
    std::vector<base::VolumeId> made_;
    bool complete_ = false;
};

Result<> clone_into(const Mount& mount, const Volume& from, const base::VolumeId& to, HalfMadeVm& vm, const CopyObserver& observer) {
    if (from.kind == protocol::kind::origin) {
        TRY(clone_state(mount, {from.id, {}}, {to, {}}, Mount::Replace::No, observer));
    } else {
        TRY(create_volume(mount, {to, from.kind, from.source.empty() ? std::to_string(from.size) : from.source, {}, true, false}));
    }
    vm.made(to);
    return copy_settings(mount, from.id, to);
}

Result<std::vector<Volume>> volumes_to_clone(const Mount& mount, const VmReference& from, const VmReference& to) {
    std::vector<Volume> found;
    for (const auto& name : TRY(volumes(mount, from))) {
        auto volume = TRY(read_volume(mount, {from.pool, from.vm, name}));
        if (volume.state == protocol::state::removed) continue;
        if (!volume.source.empty() && from.pool != to.pool)
            return fail(Errc::CrossPool, volume.id.str() + " starts from " + volume.source + " in its pool, so " + from.str() +
                                             " cannot be cloned into the pool " + to.pool.str());
        found.push_back(std::move(volume));
    }
    return found;
}

}  // namespace

Result<> clone_state(const Mount& mount, const StateReference& from, const StateReference& to, Mount::Replace replace,
                     const CopyObserver& observer) {
    const auto source = TRY(open_state(mount, from));
    TRY(check_destination(mount, to, replace));
    auto scratch = TRY(ScratchFile::create(mount, to.vm()));
    // Across pools the kernel would make up for copy_file_range by writing every hole out.
    const auto method = from.volume.pool == to.volume.pool ? CopyMethod::Clone : CopyMethod::Sparse;
    const auto copied = copy_file(source.get(), scratch.fd(), method, observer);
    if (!copied)
        return base::Failure(
            mount.explain(copied.error().operation, copied.error().number, "cannot copy " + from.str() + " to " + to.str()));
    return scratch.install(to, replace);
}

Result<std::vector<base::VolumeId>> clone_vm(const Mount& mount, const VmReference& from, const VmReference& to,
                                             const CopyObserver& observer) {
    const auto sources = TRY(volumes_to_clone(mount, from, to));
    if (TRY(mount.exists(vm_directory(to)))) return fail(Errc::Exists, to.str() + " exists already");
    auto place_name = TRY(base::VmName::parse("varve-clone-" + random_suffix()));
    const VmReference place{to.pool, std::move(place_name)};
    TRY(mount.make_directory(vm_directory(place)));
    HalfMadeVm half(mount, place);
    std::vector<base::VolumeId> made;
    for (const auto& volume : sources) {
        TRY(clone_into(mount, volume, {place.pool, place.vm, volume.id.volume}, half, observer));
        made.push_back({to.pool, to.vm, volume.id.volume});
    }
    // The point of no return: from here on the VM is there under its name.
    TRY(mount.rename(vm_directory(place), vm_directory(to), Mount::Replace::No));
    half.complete();
    return made;
}

}  // namespace varve::mount_client
