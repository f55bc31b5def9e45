// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_adoption/copies.h"

#include "orchestrator/domain_adoption/as_stated.h"
#include "orchestrator/image_formats/convert.h"
#include "orchestrator/mount_client/create.h"
#include "orchestrator/mount_client/inventory.h"
#include "orchestrator/mount_client/remove.h"
#include "orchestrator/mount_client/scratch_file.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace varve::domain_adoption {

using base::Errc;
using base::fail;
using base::Result;
using image_formats::Format;
using mount_client::Mount;
using mount_client::VmReference;

namespace {

// Held until the descriptor goes.
Result<base::UniqueFd> lock_place(const Mount& mount, const VmReference& vm) {
    base::UniqueFd place(::openat(mount.directory(), mount_client::vm_directory(vm).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!place.valid()) return base::fail_errno(errno, "cannot open " + vm.str());
    if (::flock(place.get(), LOCK_EX | LOCK_NB) == 0) return place;
    if (errno == EWOULDBLOCK) return fail(Errc::Busy, "something else makes the volumes of " + vm.str() + " now");
    return base::fail_errno(errno, "cannot lock " + vm.str());
}

}  // namespace

struct Copies::State {
    struct Copy {
        base::VolumeId volume;
        mount_client::PreparedImage image;
    };

    State(const Mount& its_mount, VmReference its_vm) : mount(its_mount), vm(std::move(its_vm)) {}

    const Mount& mount;
    VmReference vm;
    bool made_vm = false;
    base::UniqueFd place;
    std::vector<Copy> copies;
    std::vector<base::VolumeId> installed;
};

Copies::Copies(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<Copies> Copies::begin(const Mount& mount, const base::PoolName& pool, const base::VmName& vm) {
    auto state = std::make_unique<State>(mount, VmReference{pool, vm});
    const auto made = create_vm(mount, state->vm, false);
    if (!made && made.error().code != Errc::Exists) return base::Failure(made.error());
    state->made_vm = made.has_value();
    const auto place = state->vm;
    Copies copies(std::move(state));  // from here on it undoes
    copies.state_->place = TRY(lock_place(mount, place));
    const auto present = TRY(volumes(mount, place));
    if (!present.empty())
        return fail(Errc::Exists, place.str() + "/" + present.front().str() +
                                      " is there already. If it is of an adoption that was killed at its end, 'varve rm -r " + place.str() +
                                      "' removes it; else --name or --pool avoids it");
    // Of one that was killed: it holds no lock any more.
    TRY(remove_scratch_files(mount, place));
    return copies;
}

Copies::Copies(Copies&& other) noexcept = default;

Copies::~Copies() {
    if (!state_) return;
    // What fails here stays, and is told by the next begin().
    for (const auto& volume : state_->installed) (void)remove_volume(state_->mount, volume, [](const std::string&) {});
    state_->copies.clear();
    if (state_->made_vm) (void)remove_empty_vm(state_->mount, state_->vm, [](const std::string&) {});
}

Result<> Copies::copy(const OpenDisk& disk, const DiskCopy& what, const mount_client::CopyObserver& observer) {
    base::VolumeId volume{state_->vm.pool, state_->vm.vm, what.volume};
    const mount_client::OpenImage image{disk.file.get(), disk.name};
    auto prepared = what.format == Format::Raw
                        ? mount_client::prepare_image(state_->mount, image, volume, as_stated, observer)
                        : image_formats::prepare_converted(state_->mount, image, what.format, volume, as_stated, observer);
    if (!prepared) return base::Failure(std::move(prepared).error());
    state_->copies.push_back({std::move(volume), *std::move(prepared)});
    return {};
}

Result<> Copies::install() {
    for (auto& [volume, image] : state_->copies) {
        state_->installed.push_back(volume);
        if (auto done = image.file.install({volume, {}}, Mount::Replace::No); !done) {
            state_->installed.pop_back();
            return done;
        }
    }
    return {};
}

void Copies::keep() {
    state_->copies.clear();
    state_.reset();
}

}  // namespace varve::domain_adoption
