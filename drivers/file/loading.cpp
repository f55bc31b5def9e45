// SPDX-License-Identifier: LGPL-2.1-or-later
// What is on disk, as views (file_driver.h).
#include "drivers/file/cow_states.h"
#include "drivers/file/file_driver.h"
#include "drivers/images/image_sessions.h"
#include "drivers/images/load_revisions.h"

namespace varve::file {

using api::Session;
using api::VolumeView;
using base::Errc;
using base::Result;
using images::Marks;
using images::VolumeFiles;

Result<> FileDriver::load(VolumeFiles& files, const images::Names& names, images::KnownStates& known, VolumeView& view) {
    if (std::holds_alternative<api::Origin>(view.config.kind)) return load_origin(files, names, known, view);
    if (std::holds_alternative<api::Snapshot>(view.config.kind)) return load_snapshot(files, names, known, view);
    if (std::holds_alternative<api::Volatile>(view.config.kind) && names.committed)
        view.session = TRY(images::load_session(files, view.config, files.committed()));
    return {};
}

Result<> FileDriver::load_origin(VolumeFiles& files, const images::Names& names, images::KnownStates& known, VolumeView& view) {
    view.revisions = TRY(images::load_revisions(files, names, known));
    if (names.committed) {
        TRY(load_written(files, names, known, view));
        if (names.old_cow) TRY(load_old_state(files, known, view));
        return {};
    }
    // Removed, or written by its VM without a layer: nothing can stand on the image any more.
    for (const auto& [there, name] : {std::pair(names.session, session_name(files)), std::pair(names.old_cow, old_cow_name(files))})
        if (there && names.dirty) (void)TRY(files.remove(name));
    if (names.cow) {
        const auto cow = TRY(files.open(cow_name(files)));
        if (TRY(use_of_file(cow.get())) == CowUse::Unused)
            (void)TRY(files.remove(cow_name(files)));
        else if (!names.dirty)
            view.degraded = files.committed() + " is gone, and what " + cow_name(files) + " keeps of it is of no use without it";
    }
    if (!names.dirty) return {};
    view.session = TRY(images::load_session(files, view.config, files.dirty()));
    view.session->no_snapshot_layer = true;
    return {};
}

// The committed state and the session of an origin that has its image.
Result<> FileDriver::load_written(VolumeFiles& files, const images::Names& names, images::KnownStates& known, VolumeView& view) {
    auto& port = files.pool().files;
    const auto image = TRY(files.open(files.committed()));
    const auto status = TRY(port.status(image.get()));
    bool has_cow = names.cow;
    if (names.session && TRY(port.status(files.directory(), session_name(files))).inode != status.inode) {
        // A discard that came to its point of no return.
        TRY(remove_cow(files));
        has_cow = false;
    }
    // Without a COW file a commit or discard had come to its point of no return.
    if (names.session && !has_cow) (void)TRY(files.remove(session_name(files)));
    const auto cow = has_cow ? TRY(files.open(cow_name(files))) : base::UniqueFd();
    const auto use = has_cow ? TRY(use_of_file(cow.get())) : CowUse::Unused;
    if (use == CowUse::Unused && !(names.session && has_cow)) {
        view.committed = TRY(known.observe(files, image.get()));
        return {};
    }
    view.committed = TRY(state_before_session(files, cow.get(), image.get()));
    view.committed->id = known.id_of(view.committed->identity, files.pool().ids);
    if (use == CowUse::Invalid)
        view.degraded =
            cow_name(files) +
            " is damaged, was full, or could not be written: the state from before the last start is lost, and what was written "
            "since is whole; stop commits it";
    view.session = images::session_of(status.size);
    if (!TRY(stacks_.origin_session(image.get()))) view.session->phase = Session::Phase::Dirty;
    return {};
}

// One that is damaged or was full is no state: verify tells.
Result<> FileDriver::load_old_state(VolumeFiles& files, images::KnownStates& known, VolumeView& view) const {
    const auto cow = TRY(files.open(old_cow_name(files)));
    const auto image = TRY(files.pool().files.status(files.directory(), files.committed())).size;
    if (TRY(use_of_file(cow.get())) == CowUse::Invalid) return {};
    auto state = old_state(files, cow.get(), image);
    if (!state && state.error().code == Errc::Corrupt) return {};
    if (!state) return base::Failure(state.error());
    for (const auto& revision : view.revisions)
        if (revision.state.identity == state->identity) {
            (void)TRY(files.remove(old_cow_name(files)));  // it has become an image by itself
            return {};
        }
    const Marks marks(files.pool().files, cow.get());
    auto number = TRY(marks.revision_number()).value_or(0);
    bool numbered = TRY(marks.numbered());
    if (const bool clash = view.revisions.find_number(state->modified.seconds, number) != nullptr;
        clash || (!numbered && view.revisions.has_second(state->modified.seconds))) {
        if (clash || number == 0) number = view.revisions.highest_number() + 1;
        numbered = true;
    }
    state->id = known.id_of(state->identity, files.pool().ids);
    const base::TimedName id{state->modified.seconds, numbered ? std::optional(number) : std::nullopt};
    view.revisions.insert({id, number, *std::move(state), {}});
    return {};
}

Result<> FileDriver::load_snapshot(VolumeFiles& files, const images::Names& names, images::KnownStates& known, VolumeView& view) {
    if (!names.cow || !names.base || !names.base_cow) {
        // A start that did not come to its point of no return, or a stop behind it. A COW file alone is Qubes'; the next start replaces it.
        if (names.base) (void)TRY(files.remove(base_name(files)));
        if (names.base_cow) (void)TRY(files.remove(base_cow_name(files)));
        if (names.grown) (void)TRY(files.remove(grown_name(files)));
        return {};
    }
    const auto base = TRY(files.open(base_name(files)));
    const auto base_cow = TRY(files.open(base_cow_name(files)));
    const auto own = TRY(files.open(cow_name(files)));
    auto state = TRY(state_before_session(files, base_cow.get(), base.get()));
    state.id = known.id_of(state.identity, files.pool().ids);
    view.session = images::session_of(state.size);
    if (names.grown) view.session->size.count += TRY(files.pool().files.status(files.directory(), grown_name(files))).size.count;
    view.session->base = std::move(state);
    if (!TRY(stacks_.snapshot_session(own.get()))) view.session->phase = Session::Phase::Dirty;
    return {};
}

Result<> FileDriver::verify(const VolumeFiles& files, const images::Names& names, const AddFinding& add) const {
    const auto check = [&](bool there, const std::string& name) -> Result<> {
        if (!there) return {};
        const auto cow = TRY(files.open(name));
        const auto use = read_cow_use(cow.get());
        if (!use) add(name, use.error().message());
        if (use && *use == CowUse::Invalid) add(name, "it was full or could not be written, and what it kept is lost");
        return {};
    };
    TRY(check(names.cow, cow_name(files)));
    TRY(check(names.old_cow, old_cow_name(files)));
    return check(names.base_cow, base_cow_name(files));
}

}  // namespace varve::file
