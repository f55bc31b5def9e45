// SPDX-License-Identifier: LGPL-2.1-or-later
// How sessions of origins begin and grow (file_driver.h).
#include "drivers/file/cow_states.h"
#include "drivers/file/file_driver.h"
#include "drivers/images/image_sessions.h"

namespace varve::file {

using api::Session;
using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using images::Marks;
using images::VolumeFiles;
using Access = kernel::FileSystem::Access;
using Replace = kernel::FileSystem::Replace;

// Every running or dirty snapshot holds a link to the image and one to the COW file of the state it stands on. The kernel keeps what is
// overwritten only for those that have devices.
Result<bool> FileDriver::has_waiting_snapshots(const VolumeFiles& files, int image, int cow) const {
    auto& port = files.pool().files;
    const std::uint64_t own_names = TRY(files.exists(session_name(files))) ? 2 : 1;
    const auto on_image = TRY(port.status(image)).links - own_names;
    const auto on_present_state = TRY(port.status(cow)).links - 1;
    return on_image > on_present_state + TRY(stacks_.sessions_on_other_states(image, cow));
}

Result<> FileDriver::leave_image_to_snapshots(VolumeFiles& files, const api::State& state) const {
    auto& port = files.pool().files;
    const auto image = TRY(files.open(files.committed()));
    auto copy = TRY(files.clone(image.get(), files.committed()));
    Marks marks(port, copy.fd());
    TRY(marks.set_state(state.identity.object));
    TRY(marks.set_changed(state.changed));
    TRY(port.set_modified(copy.fd(), state.modified));
    TRY(port.sync(copy.fd()));
    // Snapshots may stand on the COW file too: with the copy only a new one may be used.
    TRY(remove_cow(files));
    TRY(files.keep(copy, files.committed(), Replace::Allow));
    return port.sync(files.directory());
}

FileDriver::View FileDriver::start_origin(VolumeFiles& files, VolumeView view) {
    auto& port = files.pool().files;
    auto open = TRY(open_files(files, view));
    if (TRY(has_waiting_snapshots(files, open.image.get(), open.cow.get()))) {
        TRY(leave_image_to_snapshots(files, *view.committed));
        open = TRY(open_files(files, view));
    }
    view.committed = TRY(files.observe(open.image.get(), *view.committed));
    TRY(describe_state(files, open.cow.get(), *view.committed));
    TRY(port.link(files.directory(), files.committed(), files.directory(), session_name(files)));
    TRY(files.sync_directory());
    if (auto started = stacks_.start_origin(open.files); !started) {
        if (const auto undone = files.remove(session_name(files)); !undone) return files.changed_but(undone.error());
        return base::Failure(std::move(started).error());
    }
    files.pool().log.operation(files.who(), "started", files.committed());
    view.session = images::session_of(view.committed->size);
    return view;
}

FileDriver::View FileDriver::continue_origin(VolumeFiles& files, VolumeView view) {
    auto& port = files.pool().files;
    auto open = TRY(open_files(files, view));
    if (TRY(has_waiting_snapshots(files, open.image.get(), open.cow.get())))
        return fail(
            Errc::Busy,
            files.who() +
                " is dirty, and dirty snapshots stand on a state before its present one, which its VM would overwrite: start or stop "
                "those first, or discard what " +
                files.who() + " wrote");
    // Qubes' own sessions.
    if (!TRY(Marks(port, open.cow.get()).state())) TRY(describe_state(files, open.cow.get(), *view.committed));
    TRY(enlarge_cow_file(port, open.cow.get(), view.committed->size));
    if (!TRY(files.exists(session_name(files)))) {
        TRY(port.link(files.directory(), files.committed(), files.directory(), session_name(files)));
        TRY(files.sync_directory());
    }
    TRY(stacks_.start_origin(open.files));
    files.pool().log.operation(files.who(), "continued", files.committed());
    view.session->size = TRY(port.status(open.image.get())).size;
    view.session->phase = Session::Phase::Started;
    return view;
}

// Without device-mapper nothing keeps what the guest overwrites: whoever reads the image keeps it.
FileDriver::View FileDriver::start_without_layer(VolumeFiles& files, const VolumeView& view) {
    const auto image = TRY(files.open(files.committed()));
    const bool used = TRY(stacks_.image_is_used(image.get()));
    return images::start_without_layer(files, view, used);
}

// ---- growing
namespace {

// Of a COW file without marks only its size says which state it belongs to.
Result<> check_unambiguous(const VolumeFiles& files, base::Bytes size) {
    for (const auto& name : {cow_name(files), old_cow_name(files)}) {
        const auto cow = files.pool().files.status(files.directory(), name);
        if (!cow && cow.error().code == Errc::NotFound) continue;
        if (!cow) return base::Failure(cow.error());
        if (cow->size == size)
            return fail(Errc::InvalidArgument, files.who() + " cannot have " + std::to_string(size.count) + " bytes, the size of " + name +
                                                   "; choose one that is 512 bytes larger");
    }
    return {};
}

}  // namespace

// Those who stand on the image see only as much of it as they know.
FileDriver::View FileDriver::grow_halted(VolumeFiles& files, VolumeView view, base::Bytes size) {
    auto& port = files.pool().files;
    if (view.committed->size == size) return view;
    TRY(check_unambiguous(files, size));
    const auto image = TRY(port.open_file(files.directory(), files.committed(), Access::ReadWrite));
    const auto modified = TRY(port.status(image.get())).modified;
    TRY(remove_cow(files));
    TRY(port.set_size(image.get(), size));
    const auto finish = [&]() -> Result<> {
        TRY(port.set_modified(image.get(), modified));
        TRY(Marks(port, image.get()).set_state(files.pool().temporaries.next_number()));
        TRY(files.mark_changed(image.get(), &*view.committed));
        return port.sync(image.get());
    };
    if (const auto finished = finish(); !finished) return files.changed_but(finished.error());
    files.pool().log.operation(files.who(), "resized", files.committed(), std::to_string(size.count));
    auto state = files.observe(image.get(), files.pool().ids.next());
    if (!state) return files.changed_but(state.error());
    view.committed = *std::move(state);
    return view;
}

// The committed state keeps its size. After a failure another resize to the same size makes it good.
FileDriver::View FileDriver::grow_running(VolumeFiles& files, VolumeView view, base::Bytes size) {
    auto& port = files.pool().files;
    TRY(check_unambiguous(files, size));
    const auto image = TRY(port.open_file(files.directory(), files.committed(), Access::ReadWrite));
    if (view.session->size != size) TRY(port.set_size(image.get(), size));
    const auto grow = [&]() -> Result<> {
        TRY(port.sync(image.get()));
        return stacks_.grow_origin(files.who(), image.get());
    };
    if (const auto grown = grow(); !grown) return files.changed_but(grown.error());
    files.pool().log.operation(files.who(), "resized", files.committed(), std::to_string(size.count));
    view.session->size = size;
    return view;
}

}  // namespace varve::file
