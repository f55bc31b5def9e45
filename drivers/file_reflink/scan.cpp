// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/scan.h"

#include "drivers/file_reflink/listing.h"
#include "drivers/records/record_file.h"

#include <algorithm>
#include <map>

namespace varve::file_reflink {
namespace {

using base::Result;
using base::VolumeName;

// Looks at one volume's files and repairs what a crash left.
class Loader {
public:
    Loader(Context& pool, const VmDirectory& vm, const VolumeName& volume, const Names& names, const api::VolumeView* known)
        : files_(pool, vm, volume), names_(names) {
        if (known == nullptr) return;
        if (known->committed) remember(*known->committed);
        for (const auto& revision : known->revisions) remember(revision.state);
        if (known->session && known->session->base) remember(*known->session->base);
    }

    // nullopt: an origin of which no state is left.
    Result<std::optional<api::VolumeView>> load(const api::VolumeConfig& config) {
        api::VolumeView view;
        view.config = config;
        const bool saves = api::saves_on_stop(config.kind);
        if (saves && names_.committed) view.committed = TRY(observe(files_.committed()));
        if (saves) view.revisions = TRY(load_revisions(view.committed ? &*view.committed : nullptr));
        TRY(load_session(view));
        const bool any = view.committed || view.session || !view.revisions.empty() || !std::holds_alternative<api::Origin>(config.kind);
        return any ? std::optional(std::move(view)) : std::nullopt;
    }

private:
    void remember(const api::State& state) { known_.emplace(state.identity, state.id); }

    Result<api::State> observe(int file) {
        auto state = TRY(files_.observe(file, api::StateId{}));
        const auto known = known_.find(state.identity);
        state.id = known == known_.end() ? files_.pool().ids.next() : known->second;
        return state;
    }

    Result<api::State> observe(const std::string& name) {
        const auto file = TRY(files_.open(name));
        return observe(file.get());
    }

    Result<api::Revisions> load_revisions(const api::State* committed) {
        std::vector<api::Revision> revisions;
        auto timed = names_.timed;
        std::ranges::sort(timed, {}, [](const TimedFile& file) { return std::pair(file.seconds, file.number); });
        const TimedFile* previous = nullptr;
        for (const auto& file : timed) {
            const bool second_of_its_second = previous != nullptr && previous->seconds == file.seconds;
            auto revision = TRY(load_timed(file, second_of_its_second, committed));
            if (!revision) continue;
            revisions.push_back(std::move(*revision));
            previous = &file;
        }
        for (const auto& pin : names_.pins) {
            const auto state = TRY(observe(file_name(pin)));
            revisions.push_back({pin.label, 0, state, {}});
        }
        return api::Revisions(std::move(revisions));
    }

    // nullopt: a commit was interrupted between its link and its rename, and the name is dropped.
    Result<std::optional<api::Revision>> load_timed(const TimedFile& file, bool second_of_its_second, const api::State* committed) {
        const auto name = file_name(file);
        const auto open = TRY(files_.open(name));
        auto state = TRY(observe(open.get()));
        if (committed != nullptr && state.identity == committed->identity) {
            (void)TRY(files_.remove(name));
            return std::optional<api::Revision>();
        }
        Marks marks(files_.pool().files, open.get());
        bool numbered = file.number != 0 && TRY(marks.numbered());
        if (!numbered && second_of_its_second) {
            numbered = true;
            TRY(marks.set_numbered(true));  // so that the name stays when the first of this second goes
        }
        const base::TimedName id{file.seconds, numbered ? std::optional(file.number) : std::nullopt};
        const auto replaced = TRY(marks.replaced());
        return std::optional(api::Revision{id, file.number, std::move(state), replaced});
    }

    Result<> load_session(api::VolumeView& view) {
        const bool own_base = std::holds_alternative<api::Snapshot>(view.config.kind);
        const bool has_base = own_base ? names_.committed : names_.base && std::holds_alternative<api::OriginSnapshot>(view.config.kind);
        if (!names_.dirty) {
            // A start that did not come to its rename, or a stop that did not come to its second unlink.
            if (has_base) (void)TRY(files_.remove(files_.base(view.config.kind)));
            return {};
        }
        api::Session session;
        session.size = TRY(files_.pool().files.status(files_.directory(), files_.dirty())).size;
        session.phase = TRY(phase());
        // A resize writes the record first: a crash or failure before the image has grown is made good here.
        if (std::holds_alternative<api::Volatile>(view.config.kind) && session.size < view.config.size)
            session.size = TRY(grow_session(view.config.size));
        if (has_base) session.base = TRY(observe(files_.base(view.config.kind)));
        session.no_snapshot_layer = std::holds_alternative<api::Origin>(view.config.kind) && !view.committed;
        view.session = std::move(session);
        return {};
    }

    Result<base::Bytes> grow_session(base::Bytes size) {
        auto& port = files_.pool().files;
        const auto file = TRY(port.open_file(files_.directory(), files_.dirty(), kernel::FileSystem::Access::ReadWrite));
        TRY(port.set_size(file.get(), size));
        TRY(port.sync(file.get()));
        return size;
    }

    Result<api::Session::Phase> phase() {
        const auto file = TRY(files_.open(files_.dirty()));
        auto& pool = files_.pool();
        const auto status = TRY(pool.files.status(file.get()));
        if (pool.started.contains({status.device, status.inode}) || TRY(Marks(pool.files, file.get()).started_in(pool.boot)))
            return api::Session::Phase::Started;
        const bool used = TRY(pool.files.open_for_writing(files_.directory(), files_.dirty()));
        return used ? api::Session::Phase::Started : api::Session::Phase::Dirty;
    }

    VolumeFiles files_;
    const Names& names_;
    std::map<api::Identity, api::StateId> known_;
};

Result<> sweep(Context& pool, const VmDirectory& vm, const std::vector<std::string>& temporaries) {
    for (const auto& name : temporaries) {
        if (TRY(pool.files.open_for_writing(vm.fd.get(), name))) continue;
        TRY(pool.files.unlink(vm.fd.get(), name));
        pool.log.operation(pool.settings.name.str() + "/" + vm.name.str(), "removed", name);
    }
    return {};
}

api::Ownership ownership_of(const kernel::FileStatus& directory) { return {directory.uid, directory.gid, directory.mode & 0777}; }

}  // namespace

Result<api::VmView> load_vm(Context& pool, const VmDirectory& vm) {
    auto record = TRY(records::read_record(pool.files, vm.fd.get()));
    auto listing = TRY(list_entries(pool, vm));
    TRY(sweep(pool, vm, listing.temporaries));

    const auto directory = TRY(pool.files.status(vm.fd.get()));
    api::VmView view;
    view.ownership = record.ownership.value_or(ownership_of(directory));
    view.created = record.created.value_or(directory.modified);
    view.foreign = std::move(listing.foreign);
    for (const auto& [volume, config] : record.volumes) listing.volumes.try_emplace(volume);

    bool stale_record = false;
    for (const auto& [volume, names] : listing.volumes) {
        const auto config = config_of(record, volume);
        auto loaded = TRY(Loader(pool, vm, volume, names, nullptr).load(config));
        if (loaded)
            view.volumes.emplace(volume, std::make_shared<const api::VolumeView>(std::move(*loaded)));
        else
            stale_record |= record.volumes.erase(volume) > 0;
        std::ranges::move(misfits(names, config.kind), std::back_inserter(view.foreign));
    }
    if (stale_record) TRY(edit_record(pool, vm.fd.get(), [&](records::VmRecord& on_disk) { on_disk = record; }));
    return view;
}

Result<std::optional<api::VolumeView>> load_volume(Context& pool, const VmDirectory& vm, const VolumeName& volume,
                                                   const api::VolumeView* known) {
    const auto record = TRY(records::read_record(pool.files, vm.fd.get()));
    const auto listing = TRY(list_entries(pool, vm));
    const auto found = listing.volumes.find(volume);
    if (found == listing.volumes.end() && !record.volumes.contains(volume)) return std::optional<api::VolumeView>();
    return Loader(pool, vm, volume, found == listing.volumes.end() ? Names{} : found->second, known).load(config_of(record, volume));
}

}  // namespace varve::file_reflink
