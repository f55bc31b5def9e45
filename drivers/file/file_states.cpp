// SPDX-License-Identifier: LGPL-2.1-or-later
// States of the driver `file` (file_driver.h), and the COW files that they need.
#include "drivers/api/overloaded.h"
#include "drivers/file/cow_states.h"
#include "drivers/file/file_driver.h"
#include "drivers/images/state_files.h"

namespace varve::file {

using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using base::UniqueFd;
using images::Marks;
using images::VolumeFiles;
using Access = kernel::FileSystem::Access;
using Replace = kernel::FileSystem::Replace;

namespace {

base::Failure changed(const VolumeFiles& files) { return fail(Errc::NotFound, files.who() + " is another state by now"); }

// Nothing for one that does not exist.
Result<UniqueFd> open_if_there(const VolumeFiles& files, const std::string& name) {
    auto file = files.pool().files.open_file(files.directory(), name, Access::ReadWrite);
    if (!file && file.error().code == Errc::NotFound) return UniqueFd();
    return file;
}

}  // namespace

// Qubes' COW files are as large as the image, so that they could overflow.
Result<UniqueFd> FileDriver::ensure_cow(VolumeFiles files, int image, const api::State& state) const {
    const std::lock_guard lock(cow_mutex_);
    auto& port = files.pool().files;
    auto there = TRY(open_if_there(files, cow_name(files)));
    // While a session writes to the image nothing but its COW file will do.
    if (there.valid() && TRY(files.exists(session_name(files)))) return there;
    if (there.valid()) {
        const auto mark = TRY(Marks(port, there.get()).state());
        const auto size = size_of_state(files, there.get(), state.size);
        const bool belongs = !mark || *mark == state.identity.object;
        if (belongs && size && *size == state.size && !TRY(stacks_.cow_is_used_elsewhere(image, there.get()))) {
            if (!mark) TRY(enlarge_cow_file(port, there.get(), state.size));
            if (!mark) TRY(describe_state(files, there.get(), state));
            return there;
        }
        // Without a session a COW file that belongs to another state has nothing that anybody needs.
    }
    auto cow = TRY(make_cow(files, state));
    TRY(files.keep(cow, cow_name(files), Replace::Allow));
    return cow.release();
}

Result<> FileDriver::remove_cow(VolumeFiles& files) const {
    const std::lock_guard lock(cow_mutex_);
    (void)TRY(files.remove(cow_name(files)));  // whether there was one does not matter
    return {};
}

Result<FileDriver::OpenState> FileDriver::open_files(const VolumeFiles& files, const VolumeView& view) const {
    OpenState open;
    const auto& state = *view.committed;
    auto& port = files.pool().files;
    open.image = TRY(port.open_file(files.directory(), files.committed(), Access::ReadWrite));
    if (view.session) {
        open.cow = TRY(open_if_there(files, cow_name(files)));
        if (!open.cow.valid()) return changed(files);
        if (TRY(state_before_session(files, open.cow.get(), open.image.get())).identity != state.identity) return changed(files);
    } else {
        const bool same = TRY(identity_of(files, open.image.get())) == state.identity;
        if (!same || TRY(port.status(open.image.get())).size != state.size) return changed(files);
        open.cow = TRY(ensure_cow(files, open.image.get(), state));
    }
    open.files = {files.who(), open.image.get(), open.cow.get(), state.size};
    return open;
}

Result<UniqueFd> FileDriver::open_revision(const VolumeFiles& files, const VolumeView& view, const api::Revision& revision) const {
    const auto name = TRY(revision_file(files, revision));
    if (name != old_cow_name(files)) return images::open_exactly(files, name, revision.state.identity);
    if (!view.committed) return fail(Errc::Corrupt, files.who() + "@" + revision.id.str() + " stands on an image that is gone");
    const auto open = TRY(open_files(files, view));
    const auto old = TRY(files.pool().files.open_file(files.directory(), name, Access::ReadWrite));
    TRY(enlarge_cow_file(files.pool().files, old.get(), revision.state.size));
    return stacks_.open_revision(open.files, {files.who() + "@" + revision.id.str(), old.get(), revision.state.size});
}

Result<UniqueFd> FileDriver::open_base(const VolumeFiles& files, const VolumeView& view) const {
    auto& port = files.pool().files;
    const auto image = TRY(port.open_file(files.directory(), base_name(files), Access::ReadWrite));
    const auto cow = TRY(port.open_file(files.directory(), base_cow_name(files), Access::ReadWrite));
    return stacks_.open_state({"the base of " + files.who(), image.get(), cow.get(), view.session->base->size});
}

Result<UniqueFd> FileDriver::open_state(const VolumeFiles& files, const VolumeView& view, const api::StateRef& state) const {
    return std::visit(api::Overloaded{
                          [&](const api::CommittedState&) -> Result<UniqueFd> {
                              if (!view.committed) return images::no_committed_state(files, view);
                              // There are no devices without sectors.
                              if (view.committed->size.count == 0)
                                  return images::open_exactly(files, files.committed(), view.committed->identity);
                              return stacks_.open_state(TRY(open_files(files, view)).files);
                          },
                          [&](const base::RevisionId& id) -> Result<UniqueFd> {
                              const auto* const revision = TRY(images::find_revision(files, view, id));
                              return open_revision(files, view, *revision);
                          },
                          [&](const api::BaseState&) -> Result<UniqueFd> {
                              if (!view.session || !view.session->base) return images::no_base(files);
                              return open_base(files, view);
                          },
                      },
                      state);
}

Result<UniqueFd> FileDriver::open_to_copy(const VolumeFiles& files, const VolumeView& view) const {
    if (!view.session) return images::open_exactly(files, files.committed(), view.committed->identity);
    return open_state(files, view, api::CommittedState{});
}

Result<base::Bytes> FileDriver::exclusive(const VolumeFiles& files, const VolumeView& view, const api::StateRef& state) const {
    const auto of_file = [&](const std::string& name) -> Result<base::Bytes> {
        const auto file = TRY(files.open(name));
        return files.pool().files.exclusive(file.get());
    };
    return std::visit(api::Overloaded{
                          [&](const api::CommittedState&) -> Result<base::Bytes> {
                              if (!view.committed) return images::no_committed_state(files, view);
                              return of_file(files.committed());
                          },
                          [&](const base::RevisionId& id) -> Result<base::Bytes> {
                              const auto* const revision = TRY(images::find_revision(files, view, id));
                              return of_file(TRY(revision_file(files, *revision)));
                          },
                          [&](const api::BaseState&) -> Result<base::Bytes> {
                              if (!view.session || !view.session->base) return images::no_base(files);
                              return of_file(base_name(files));
                          },
                      },
                      state);
}

// Crash safety: until the COW file is gone both are there, with one identity, and the load drops the COW file.
Result<> FileDriver::make_image_of(VolumeFiles& files, const VolumeView& view, const api::Revision& revision) {
    const auto name = TRY(revision_file(files, revision));
    if (name != old_cow_name(files)) return {};
    auto& port = files.pool().files;
    auto image = UniqueFd();
    {
        const auto content = TRY(open_revision(files, view, revision));
        auto copy = TRY(files.clone(content.get(), name));
        Marks marks(port, copy.fd());
        TRY(marks.set_state(revision.state.identity.object));
        TRY(marks.set_changed(revision.state.changed));
        TRY(marks.set_numbered(revision.id.timed()->number.has_value()));
        TRY(port.set_modified(copy.fd(), revision.state.modified));
        TRY(port.sync(copy.fd()));
        TRY(files.keep(copy, files.image_of(revision), Replace::Never));
    }
    TRY(port.sync(files.directory()));
    // Point of no return, which changes nothing that is seen.
    (void)TRY(files.remove(name));
    return port.sync(files.directory());
}

Result<> FileDriver::before_replacing(VolumeFiles& files, const VolumeView& view) {
    if (const auto old = TRY(revision_in_old(files, view))) TRY(make_image_of(files, view, *old));
    return remove_cow(files);
}

}  // namespace varve::file
