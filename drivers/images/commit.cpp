// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/commit.h"

#include "drivers/api/overloaded.h"
#include "drivers/images/driver.h"

#include <algorithm>
#include <limits>
#include <set>

namespace varve::images {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::Timestamp;
using Replace = kernel::FileSystem::Replace;

// The second as a name can show it: years beyond 9999 are shown as the last.
std::int64_t nameable(std::int64_t seconds) { return base::parse_iso_utc(base::iso_utc(seconds)).value_or(0); }

std::uint64_t next_number(const api::VolumeView& view) {
    const auto last = view.revisions.highest_number();
    if (last != std::numeric_limits<std::uint64_t>::max()) return last + 1;
    // Somebody restored a revision with the last number there is.
    std::set<std::uint64_t> taken;
    for (const auto& revision : view.revisions) taken.insert(revision.number);
    std::uint64_t number = 1;
    while (taken.contains(number)) ++number;
    return number;
}

Result<> move_in(VolumeFiles& files, const Incoming& incoming, const std::string& name, Replace replace) {
    TRY(files.pool().files.rename(incoming.directory, incoming.name, files.directory(), name, replace));
    files.pool().log.operation(files.who(), "renamed", incoming.name, name);
    return {};
}

Result<> check_size(const VolumeFiles& files, int image) {
    const auto size = TRY(files.pool().files.status(image)).size;
    if (!size.whole_sectors())
        return fail(Errc::InvalidArgument,
                    files.who() + " would have " + std::to_string(size.count) + " bytes, which is not a multiple of 512");
    return {};
}

// The descriptors differ even when the directory is the same.
Result<bool> is_in_directory(const VolumeFiles& files, const Incoming& image) {
    const auto from = TRY(files.pool().files.status(image.directory));
    const auto to = TRY(files.pool().files.status(files.directory()));
    return from.device == to.device && from.inode == to.inode;
}

// A restored plain name takes the form without a number: it is the first of its second, and cannot take the number that another one is
// restored with later.
Result<> publish_timed(VolumeFiles& files, api::VolumeView& view, base::TimedName id, const Incoming& image) {
    auto& port = files.pool().files;
    const auto modified = TRY(port.status(image.file)).modified;
    if (nameable(modified.seconds) != id.seconds) TRY(port.set_modified(image.file, {id.seconds, 0}));
    Marks marks(port, image.file);
    TRY(marks.set_numbered(id.number.has_value()));
    TRY(files.mark_changed(image.file, nullptr));
    TRY(port.sync(image.file));
    const auto number = id.number.value_or(0);
    auto state = TRY(files.observe(image.file, files.pool().ids.next()));
    // Point of no return.
    TRY(move_in(files, image, file_name(TimedFile{files.volume(), id.seconds, number}), Replace::Never));
    view.revisions.insert({id, number, std::move(state), {}});
    return {};
}

Result<> publish_label(VolumeFiles& files, api::VolumeView& view, const base::Label& label, const Incoming& image) {
    TRY(files.mark_changed(image.file, nullptr));
    TRY(files.pool().files.sync(image.file));
    auto state = TRY(files.observe(image.file, files.pool().ids.next()));
    // Point of no return.
    TRY(move_in(files, image, file_name(PinFile{files.volume(), label}), Replace::Never));
    view.revisions.insert({label, 0, std::move(state), {}});
    return {};
}

}  // namespace

RevisionPlace next_place(const api::VolumeView& view, Timestamp modified) {
    const auto seconds = nameable(modified.seconds);
    const auto number = next_number(view);
    return {{seconds, view.revisions.has_second(seconds) ? std::optional(number) : std::nullopt}, number};
}

Result<api::Revision> link_as_revision(VolumeFiles& files, const api::VolumeView& view, std::optional<Timestamp> replaced) {
    const auto file = TRY(files.open(files.committed()));
    auto state = TRY(files.observe(file.get(), *view.committed));
    const auto place = next_place(view, state.modified);
    // Set or cleared always: an inode that was a revision before may carry old marks.
    Marks marks(files.pool().files, file.get());
    TRY(marks.set_replaced(replaced));
    TRY(marks.set_numbered(place.id.number.has_value()));
    const auto name = file_name(TimedFile{files.volume(), place.id.seconds, place.number});
    TRY(files.link(files.directory(), files.committed(), name));
    return api::Revision{place.id, place.number, std::move(state), replaced};
}

Result<> replace_committed(VolumeFiles& files, api::VolumeView& view, const Incoming& incoming, OldState old,
                           std::optional<Timestamp> replaced) {
    auto& port = files.pool().files;
    const auto* const before = view.committed ? &*view.committed : nullptr;
    TRY(files.mark_changed(incoming.file, before));
    // The mark alone comes to disk with the directory. Btrfs may lose it with the power: then the state's older time of change is back, which
    // was true of the same content under the same name.
    if (!incoming.durable) TRY(port.sync(incoming.file));
    auto state = TRY(files.observe(incoming.file, files.pool().ids.next()));
    TRY(files.pool().driver->before_replacing(files, view));

    std::optional<api::Revision> kept;
    base::UniqueFd dropped;
    if (before != nullptr && old == OldState::KeepAsRevision) kept = TRY(link_as_revision(files, view, replaced));
    if (before != nullptr && old == OldState::Drop) dropped = TRY(files.open(files.committed()));
    // Point of no return: the rename.
    if (auto moved = move_in(files, incoming, files.committed(), before != nullptr ? Replace::Allow : Replace::Never); !moved) {
        if (kept) (void)files.remove(files.image_of(*kept));  // else the next load drops it
        return moved;
    }
    if (dropped.valid()) files.pool().reaper.bury(std::move(dropped));
    if (kept) view.revisions.insert(std::move(*kept));
    view.committed = std::move(state);
    return {};
}

namespace {

Result<> remove_revision_file(VolumeFiles& files, const api::Revision& revision) {
    (void)TRY(files.remove(TRY(files.revision(revision))));  // it may have gone
    return {};
}

}  // namespace

void prune(VolumeFiles& files, api::VolumeView& view, const api::Retention& retention) {
    for (const auto& gone : api::expired(view.revisions, retention)) {
        const auto removed = remove_revision_file(files, gone);
        if (!removed) {
            files.pool().log.warning(files.who(), "the revision " + gone.id.str() + " stays: " + removed.error().message());
            continue;
        }
        view.revisions.erase(gone.id);
    }
}

Result<api::VolumeView> publish(VolumeFiles& files, const api::VolumeView* present, const api::Publish& command, const Incoming& image) {
    TRY(check_size(files, image.file));
    const bool own_directory = TRY(is_in_directory(files, image));  // asked before the point of no return
    auto view = present != nullptr ? *present : api::VolumeView{};
    const auto now = files.pool().clock.now();
    TRY(std::visit(
        api::Overloaded{
            [&](const api::Publish::AsCommitted&) { return replace_committed(files, view, image, OldState::KeepAsRevision, now); },
            [&](const api::Publish::AsAmendment&) { return replace_committed(files, view, image, OldState::Drop, {}); },
            [&](const api::Publish::AsRevision& revision) -> Result<> {
                if (const auto* label = revision.id.label()) return publish_label(files, view, *label, image);
                return publish_timed(files, view, *revision.id.timed(), image);
            },
        },
        command.target));
    command.image->published();
    if (!own_directory)
        if (const auto synced = files.pool().files.sync(image.directory); !synced) return files.changed_but(synced.error());
    TRY(files.sync_directory());
    return view;
}

}  // namespace varve::images
