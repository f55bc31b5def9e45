// SPDX-License-Identifier: LGPL-2.1-or-later
// Sessions of snapshots (file_driver.h): links to the files of the state they stand on, and a COW file of their own.
#include "drivers/file/cow_states.h"
#include "drivers/file/file_driver.h"
#include "drivers/images/image_sessions.h"

namespace varve::file {

using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using images::VolumeFiles;
using Access = kernel::FileSystem::Access;
using Replace = kernel::FileSystem::Replace;

Result<> FileDriver::remove_snapshot_files(VolumeFiles& files) const {
    for (const auto& name : {cow_name(files), base_name(files), base_cow_name(files), grown_name(files)}) (void)TRY(files.remove(name));
    return {};
}

// nullopt: the source has changed under our hands. It is not locked: a start sees the state from before or after what its source does.
Result<std::optional<api::State>> FileDriver::try_to_link(VolumeFiles& files, const VolumeFiles& source_files) const {
    auto& port = files.pool().files;
    const auto image = TRY(port.open_file(source_files.directory(), source_files.committed(), Access::ReadWrite));
    const auto cow = TRY(ensure_cow(source_files, image.get(), TRY(files.observe(image.get(), api::StateId{}))));
    TRY(remove_snapshot_files(files));
    TRY(files.link(source_files.directory(), source_files.committed(), base_name(files)));
    if (const auto linked = files.link(source_files.directory(), cow_name(source_files), base_cow_name(files)); !linked) {
        if (linked.error().code == Errc::NotFound) return std::optional<api::State>();
        return base::Failure(linked.error());
    }
    const auto linked_image = TRY(port.status(files.directory(), base_name(files))).inode;
    const auto linked_cow = TRY(port.status(files.directory(), base_cow_name(files))).inode;
    const auto state = TRY(state_before_session(files, cow.get(), image.get()));
    const bool same = linked_image == TRY(port.status(image.get())).inode && linked_cow == TRY(port.status(cow.get())).inode;
    const bool belongs = state.identity == TRY(identity_of(files, image.get()));
    return same && belongs ? std::optional(state) : std::nullopt;
}

// Whoever starts from the same state shares its COW file, and so its device.
Result<api::State> FileDriver::link_present(VolumeFiles& files, const VolumeFiles& source_files, const VolumeView& source) const {
    constexpr int attempts = 5;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        auto state = TRY(try_to_link(files, source_files));
        if (!state) continue;
        state->id = state->identity == source.committed->identity ? source.committed->id : files.pool().ids.next();
        return *std::move(state);
    }
    return fail(Errc::Busy, source_files.who() + " is just changing; start " + files.who() + " again");
}

// An old state has no COW file that new sessions could stand on: each gets its own.
Result<api::State> FileDriver::link_revision(VolumeFiles& files, const VolumeFiles& source_files, const VolumeView& source,
                                             const api::Revision& revision) const {
    auto& port = files.pool().files;
    const auto name = TRY(revision_file(source_files, revision));
    const auto content = TRY(open_state(source_files, source, revision.id));
    if (name != old_cow_name(source_files)) {
        TRY(files.link(source_files.directory(), name, base_name(files)));
        if (TRY(port.status(files.directory(), base_name(files))).inode != TRY(port.status(content.get())).inode)
            return fail(Errc::Busy, source_files.who() + " is just changing; start " + files.who() + " again");
    } else {
        auto copy = TRY(files.clone(content.get(), name));
        TRY(port.sync(copy.fd()));
        TRY(files.keep(copy, base_name(files), Replace::Never));
    }
    auto cow = TRY(make_cow(files, revision.state));
    TRY(files.keep(cow, base_cow_name(files), Replace::Never));
    return revision.state;
}

Result<api::State> FileDriver::link_base(VolumeFiles& files, const api::StartSource& source) const {
    const auto vm = TRY(images::open_vm(files.pool(), source.where.volume.vm));
    const VolumeFiles source_files(files.pool(), vm, source.where.volume.volume);
    if (!source.where.fixed) return link_present(files, source_files, *source.view);
    return link_revision(files, source_files, *source.view, *source.view->revisions.find(*source.where.fixed));
}

Result<FileDriver::OpenSnapshot> FileDriver::open_snapshot(const VolumeFiles& files, const VolumeView& view) const {
    auto& port = files.pool().files;
    const auto open = [&](const std::string& name) { return port.open_file(files.directory(), name, Access::ReadWrite); };
    OpenSnapshot all;
    all.image = TRY(open(base_name(files)));
    all.base_cow = TRY(open(base_cow_name(files)));
    all.own_cow = TRY(open(cow_name(files)));
    if (TRY(files.exists(grown_name(files)))) all.grown = TRY(open(grown_name(files)));
    const auto size = view.session->base->size;
    all.base = {"the base of " + files.who(), all.image.get(), all.base_cow.get(), size};
    all.own = {files.who(), all.own_cow.get(), size, all.grown.valid() ? all.grown.get() : -1};
    return all;
}

Result<> FileDriver::start_devices(VolumeFiles& files, const VolumeView& view) {
    const auto open = TRY(open_snapshot(files, view));
    TRY(stacks_.start_snapshot(open.base, open.own));
    files.pool().log.operation(files.who(), "started", cow_name(files));
    return {};
}

FileDriver::View FileDriver::start_snapshot(VolumeFiles& files, VolumeView view, const api::StartSource& source) {
    TRY(remove_snapshot_files(files));  // of a start that failed, or of Qubes
    const auto begin = [&]() -> Result<> {
        auto state = TRY(link_base(files, source));
        view.session = images::session_of(state.size);
        auto cow = TRY(make_cow(files, state));
        view.session->base = std::move(state);
        // Point of no return.
        TRY(files.keep(cow, cow_name(files), Replace::Never));
        TRY(files.sync_directory());
        return start_devices(files, view);
    };
    if (const auto begun = begin(); !begun) {
        if (begun.error().code == Errc::Degraded) return base::Failure(begun.error());
        if (const auto undone = remove_snapshot_files(files); !undone) return files.changed_but(undone.error());
        return base::Failure(begun.error());
    }
    return view;
}

FileDriver::View FileDriver::stop_snapshot(VolumeFiles& files, VolumeView view) {
    const auto own = TRY(files.open(cow_name(files)));
    if (auto stopped = stacks_.stop_snapshot(files.who(), own.get()); !stopped) {
        const auto running = stacks_.snapshot_session(own.get());
        return running && !*running ? dirty_now(files, stopped.error()) : base::Failure(stopped.error());
    }
    // Point of no return: without its COW file there is no session.
    if (const auto removed = remove_snapshot_files(files); !removed) return files.changed_but(removed.error());
    TRY(files.sync_directory());
    view.session.reset();
    return view;
}

// Nothing is to be kept of what lies behind the base, so a plain file will do. After a failure another resize to the same size makes it good.
FileDriver::View FileDriver::grow_snapshot(VolumeFiles& files, VolumeView view, base::Bytes size) {
    auto& port = files.pool().files;
    const auto behind = base::Bytes{size.count - view.session->base->size.count};
    if (behind.count == 0) return view;
    if (!TRY(files.exists(grown_name(files)))) {
        auto made = TRY(files.make_temporary());
        TRY(port.set_size(made.fd(), behind));
        TRY(files.keep(made, grown_name(files), Replace::Never));
    }
    const auto grow = [&]() -> Result<> {
        const auto open = TRY(open_snapshot(files, view));
        TRY(port.set_size(open.grown.get(), behind));
        TRY(port.sync(open.grown.get()));
        TRY(files.sync_directory());
        return stacks_.grow_snapshot(open.own);
    };
    if (const auto grown = grow(); !grown) return files.changed_but(grown.error());
    files.pool().log.operation(files.who(), "resized", grown_name(files), std::to_string(size.count));
    view.session->size = size;
    return view;
}

}  // namespace varve::file
