// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/pool.h"
#include "drivers/sim/commands.h"
#include "drivers/sim/disk.h"
#include "drivers/sim/sim.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace varve::sim {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr std::uint64_t block = 4096;  // what ranges are cloned in, as on the file systems that this plays

Result<base::Bytes> size_of(int file) {
    struct stat status {};
    if (::fstat(file, &status) != 0) return base::fail_errno(errno, "cannot look at the image to clone");
    return base::Bytes{static_cast<std::uint64_t>(status.st_size)};
}

class SimPool final : public api::Pool {
public:
    SimPool(const Settings& settings, std::shared_ptr<Disk> disk, api::StateIds& ids, const base::Clock& clock, kernel::BootId boot)
        : settings_(settings), disk_(std::move(disk)), ids_(ids), clock_(clock), boot_(std::move(boot)) {}

    api::Capabilities capabilities() const override {
        return {.revisions = true,
                .label = api::Method::Clone,
                .clone = api::Method::Clone,
                .transaction = api::Method::Clone,
                .origin_snapshot = true,
                .no_snapshot_layer = true,
                .commit_running = true,
                .ephemeral = true,  // memory never reaches a disk of ours
                .clone_ranges = true};
    }

    Result<api::Space> space() const override {
        const std::lock_guard lock(disk_->mutex);
        const auto used = disk_->used();
        const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
        const auto size = settings_.size.value_or(base::Bytes{pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))});
        return api::Space{size, used, used < size ? size - used : base::Bytes{}};
    }

    std::vector<std::pair<std::string, std::string>> parameters() const override {
        if (!settings_.size) return {};
        return {{"size", std::to_string(settings_.size->count)}};
    }

    std::optional<std::filesystem::path> lock_directory() const override { return {}; }

    // Private images do not outlive the pool that made them.
    Result<> recover() override {
        const std::lock_guard lock(disk_->mutex);
        disk_->images.clear();
        for (auto& [name, vm] : disk_->vms) {
            drop_ephemeral_sessions(vm);
            renew_ids(vm);
        }
        return {};
    }

    Result<std::vector<base::VmName>> list_vms() const override {
        const std::lock_guard lock(disk_->mutex);
        std::vector<base::VmName> names;
        for (const auto& [name, vm] : disk_->vms) names.push_back(name);
        return names;
    }

    Result<api::VmView> load_vm(const base::VmName& name) override {
        const std::lock_guard lock(disk_->mutex);
        auto& vm = *TRY(disk_->vm(name));
        renew_ids(vm);
        api::VmView view{vm.ownership, vm.created, {}, {}};
        for (const auto& [volume_name, volume] : vm.volumes)
            view.volumes.emplace(volume_name, std::make_shared<const api::VolumeView>(view_of(volume, boot_)));
        return view;
    }

    Result<> create_vm(const base::VmName& name, const api::Ownership& ownership) override {
        const std::lock_guard lock(disk_->mutex);
        if (!disk_->vms.try_emplace(name, StoredVm{ownership, clock_.now(), {}}).second)
            return fail(Errc::Exists, "there is a VM " + name.str() + " in this pool already");
        return {};
    }

    Result<> remove_vm(const base::VmName& name) override {
        const std::lock_guard lock(disk_->mutex);
        const auto& vm = *TRY(disk_->vm(name));
        if (!vm.volumes.empty())
            return fail(Errc::NotEmpty, name.str() + " still has volumes or revisions, such as " + vm.volumes.begin()->first.str());
        disk_->vms.erase(name);
        return {};
    }

    Result<> set_ownership(const base::VmName& name, const api::Ownership& ownership) override {
        const std::lock_guard lock(disk_->mutex);
        TRY(disk_->vm(name))->ownership = ownership;
        return {};
    }

    Result<> rename_vm(const base::VmName& from, const base::VmName& to, const std::vector<base::VolumePath>& children) override {
        const std::lock_guard lock(disk_->mutex);
        TRY(disk_->vm(from));
        if (disk_->vms.contains(to)) return fail(Errc::Exists, "there is a VM " + to.str() + " in this pool already");
        auto vm = disk_->vms.extract(from);
        vm.key() = to;
        disk_->vms.insert(std::move(vm));
        for (const auto& child : children)
            follow({child.vm == from ? to : child.vm, child.volume}, [&](base::VolumePath& source) {
                if (source.vm == from) source.vm = to;
            });
        return {};
    }

    Result<std::optional<api::VolumeView>> load_volume(const base::VolumePath& path, const api::VolumeView* /*known*/) override {
        const std::lock_guard lock(disk_->mutex);
        const auto* volume = disk_->volume(path);
        if (volume == nullptr) return std::optional<api::VolumeView>();
        return view_of(*volume, boot_);
    }

    Result<> rename_volume(const base::VolumePath& from, const base::VolumePath& to, const api::VolumeView& /*present*/,
                           const std::vector<base::VolumePath>& children) override {
        const std::lock_guard lock(disk_->mutex);
        if (disk_->volume(from) == nullptr) return fail(Errc::NotFound, "there is no volume " + from.str());
        if (disk_->volume(to) != nullptr) return fail(Errc::Exists, to.str() + " exists already");
        auto& target = *TRY(disk_->vm(to.vm));
        auto volume = disk_->vms.at(from.vm).volumes.extract(from.volume);
        volume.key() = to.volume;
        target.volumes.insert(std::move(volume));
        for (const auto& child : children)
            follow(child, [&](base::VolumePath& source) {
                if (source == from) source = to;
            });
        return {};
    }

    Result<base::UniqueFd> open_state(const base::VolumePath& path, const api::VolumeView& view, const api::StateRef& ref) const override {
        const std::lock_guard lock(disk_->mutex);
        return TRY(content_of(path, view, ref))->open(O_RDONLY);
    }

    Result<api::PrivateImage> create_image(const base::VmName& vm, std::optional<int> content) override {
        const std::lock_guard lock(disk_->mutex);
        TRY(disk_->vm(vm));
        const auto number = disk_->next_number++;
        auto made = content ? TRY(Content::copy_of(number, *content)) : TRY(Content::make(number, {}));
        auto fd = TRY(made->open(O_RDWR));
        auto handle = "image-" + std::to_string(number);
        disk_->images.emplace(handle, std::move(made));
        return api::PrivateImage(std::move(fd), std::move(handle), [disk = disk_](const std::string& name) {
            const std::lock_guard discard_lock(disk->mutex);
            disk->images.erase(name);
        });
    }

    Result<> clone_range(int from, base::Bytes from_offset, api::PrivateImage& to, base::Bytes to_offset, base::Bytes length) override {
        const std::lock_guard lock(disk_->mutex);
        const auto from_size = TRY(size_of(from));
        const auto to_size = TRY(to.storage().facts()).size;
        const auto refuse = [](const char* why) { return fail(Errc::Unsupported, std::string("this range cannot be cloned: ") + why); };
        if (from_offset > from_size) return refuse("it begins beyond the end of the source");
        const auto count = length.count == 0 ? from_size - from_offset : length;
        if (count > from_size - from_offset) return refuse("it reaches beyond the end of the source");
        if (to_offset.count > base::largest_volume.count || count > base::largest_volume - to_offset)
            return fail(Errc::TooLarge, "the clone would be larger than a file can be");
        if (from_offset.count % block != 0 || to_offset.count % block != 0) return refuse("its offsets are not multiples of 4096");
        const bool whole_tail = from_offset + count == from_size && to_offset + count >= to_size;
        if (count.count % block != 0 && !whole_tail) return refuse("its length is not a multiple of 4096 and does not end both files");
        if (to_offset + count > to_size) TRY(to.storage().set_size(to_offset + count));
        if (count.count == 0) return {};
        TRY(to.storage().allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, to_offset, count));
        return copy_sparse(from, from_offset.count, to.fd(), to_offset.count, count.count);
    }

    Result<std::filesystem::path> device(const base::VolumePath& path, const api::VolumeView& /*view*/) const override {
        const std::lock_guard lock(disk_->mutex);
        const auto* volume = disk_->volume(path);
        if (volume == nullptr || !volume->session || volume->session->boot != boot_)
            return fail(Errc::NotFound, path.str() + " is not started");
        return volume->session->content->path();
    }

    Result<base::Bytes> exclusive(const base::VolumePath& path, const api::VolumeView& view, const api::StateRef& ref) const override {
        const std::lock_guard lock(disk_->mutex);
        const auto content = TRY(content_of(path, view, ref));
        return disk_->users(*content) > 1 ? base::Bytes{} : content->facts().allocated;
    }

    // A start copies in memory; nothing made beforehand would be quicker.
    Result<> prepare_start(const base::VolumePath& /*path*/, const api::VolumeView& /*present*/, const LockIfCurrent& /*lock*/) override {
        return {};
    }

    Result<std::vector<api::Finding>> verify(const base::VmName& name) const override {
        const std::lock_guard lock(disk_->mutex);
        std::vector<api::Finding> findings;
        for (const auto& [volume_name, volume] : TRY(disk_->vm(name))->volumes) {
            if (!volume.session) continue;
            const auto size = volume.session->content->facts().size;
            if (!size.whole_sectors())
                findings.push_back(
                    {name.str() + "/" + volume_name.str(), "its device has been cut to " + std::to_string(size.count) +
                                                               " bytes, which is not a multiple of 512; stop fills it up with zeroes"});
        }
        return findings;
    }

private:
    Result<std::optional<api::VolumeView>> run(const base::VolumePath& path, const api::VolumeView* /*present*/,
                                               const api::Command& command) override {
        const std::lock_guard lock(disk_->mutex);
        auto& volumes = TRY(disk_->vm(path.vm))->volumes;
        std::optional<StoredVolume> volume;
        if (const auto found = volumes.find(path.volume); found != volumes.end()) volume = found->second;
        const Workshop workshop{*disk_, ids_, clock_.now(), boot_, settings_.revisions_to_keep, settings_.size};
        TRY(sim::run(workshop, path, volume, command));
        if (!volume) {
            volumes.erase(path.volume);
            return std::optional<api::VolumeView>();
        }
        auto view = view_of(*volume, boot_);
        volumes.insert_or_assign(path.volume, *std::move(volume));
        return view;
    }

    // As on a real machine, where their keys are gone after a reboot.
    void drop_ephemeral_sessions(StoredVm& vm) const {
        for (auto& [name, volume] : vm.volumes)
            if (volume.config.ephemeral && volume.session && volume.session->boot != boot_) volume.session.reset();
    }

    void renew_ids(StoredVm& vm) {
        for (auto& [name, volume] : vm.volumes) {
            if (volume.committed) volume.committed->id = ids_.next();
            for (auto& revision : volume.revisions) revision.state.id = ids_.next();
            if (volume.session && volume.session->base) volume.session->base->id = ids_.next();
            if (volume.session && volume.session->layerless) volume.session->layerless->id = ids_.next();
        }
    }

    template <class Change>
    void follow(const base::VolumePath& child, Change change) {
        auto* volume = disk_->volume(child);
        if (volume == nullptr) return;
        if (auto* snapshot = std::get_if<api::Snapshot>(&volume->config.kind)) change(snapshot->source.volume);
        if (auto* both = std::get_if<api::OriginSnapshot>(&volume->config.kind)) change(both->source.volume);
    }

    Result<std::shared_ptr<Content>> content_of(const base::VolumePath& path, const api::VolumeView& view, const api::StateRef& ref) const {
        const api::State* state = nullptr;
        std::string which = path.str();
        if (const auto* id = std::get_if<base::RevisionId>(&ref)) {
            which += "@" + id->str();
            if (const auto* revision = view.revisions.find(*id)) state = &revision->state;
        } else if (std::holds_alternative<api::BaseState>(ref)) {
            which += "'s base";
            if (view.session && view.session->base) state = &*view.session->base;
        } else if (view.committed) {
            state = &*view.committed;
        } else if (view.session && view.session->no_snapshot_layer) {
            return fail(Errc::Busy, which + " has no snapshot layer (revisions_to_keep is -1) and its VM runs");
        }
        if (state == nullptr) return fail(Errc::NotFound, "there is no state " + which);
        auto content = disk_->find(state->identity.object);
        if (!content) return fail(Errc::NotFound, "the state " + which + " is gone");
        return content;
    }

    Settings settings_;
    std::shared_ptr<Disk> disk_;
    api::StateIds& ids_;
    const base::Clock& clock_;
    kernel::BootId boot_;
};

}  // namespace

std::unique_ptr<api::Pool> open(const Settings& settings, std::shared_ptr<Disk> disk, api::StateIds& ids, const base::Clock& clock,
                                kernel::BootId boot) {
    return std::make_unique<SimPool>(settings, std::move(disk), ids, clock, std::move(boot));
}

std::unique_ptr<api::Pool> open(const Settings& settings, api::StateIds& ids, const base::Clock& clock, kernel::BootId boot) {
    return open(settings, make_disk(), ids, clock, std::move(boot));
}

}  // namespace varve::sim
