// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/volume_copy.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/create.h"

#include <algorithm>

namespace varve::mount_client {
namespace {

using base::Bytes;
using base::Result;
namespace kind = protocol::kind;

StateReference state_of(const base::VolumeId& volume, const std::optional<base::RevisionId>& revision) { return {volume, revision}; }

// Only origins can be written to; a state of another kind becomes the committed one by a revert.
base::RevisionId passing_label() { return base::Label::parse("varve-move").value(); }

class Copier {
public:
    Copier(const Mount& mount, const VolumeCopy& copy, const base::VolumeId& to, const CopyObserver& observer)
        : mount_(mount), copy_(copy), to_(to), observer_(observer) {}

    Result<> run() {
        if (copy_.volume.kind != kind::origin) TRY(ensure_made());
        for (const auto& [revision, stamp] : copy_.states) {
            TRY(ensure_state(revision, stamp));
            TRY(ensure_spared());
        }
        return {};
    }

private:
    Result<> ensure_made() const {
        if (TRY(mount_.exists(volume_control(to_, protocol::volume_file::kind)))) return {};
        const auto content = copy_.source.empty() ? std::to_string(copy_.volume.size) : copy_.source;
        return create_volume(mount_, {to_, copy_.volume.kind, content, {}, true, false});
    }

    // From the first state on: nobody holds on yet to revisions that are somebody's source.
    Result<> ensure_spared() {
        if (spared_) return {};
        spared_ = true;
        constexpr std::string_view no_schedule = "none";
        const auto file = volume_control(to_, protocol::volume_file::schedule);
        return TRY(mount_.value(file)) == no_schedule ? Result<>() : mount_.set_value(file, no_schedule);
    }

    Result<> ensure_state(const std::optional<base::RevisionId>& revision, const StateStamp& stamp) {
        const auto from = state_of(copy_.volume.id, revision);
        const auto to = state_of(to_, revision);
        const auto present = TRY(find_stamp(mount_, to));
        if (!present) TRY(revision || copy_.volume.kind == kind::origin ? copy(from, to) : copy_by_revert(from, to));
        last_ = to;
        done_ = done_ + stamp.size;
        return {};
    }

    Result<> copy(const StateReference& from, const StateReference& to) const {
        const CopyObserver here{[this](Bytes done, std::optional<Bytes>) {
                                    if (observer_.progress) observer_.progress(done_ + done, copy_.size());
                                },
                                observer_.interrupted};
        return copy_state(mount_, from, to, last_, here);
    }

    Result<> copy_by_revert(const StateReference& from, const StateReference& to) const {
        const auto passing = state_of(to_, passing_label());
        if (TRY(mount_.exists(state_path(passing)))) TRY(mount_.unlink(state_path(passing)));
        TRY(copy(from, passing));
        return mount_.rename(state_path(passing), state_path(to), Mount::Replace::Yes);
    }

    const Mount& mount_;
    const VolumeCopy& copy_;
    const base::VolumeId& to_;
    const CopyObserver& observer_;
    std::optional<StateReference> last_;  // what the next one most likely shares most with
    Bytes done_{};
    bool spared_ = false;
};

}  // namespace

Result<States> states_of(const Mount& mount, const Volume& volume) {
    States states;
    const auto add = [&](const std::optional<base::RevisionId>& revision) -> Result<> {
        if (const auto stamp = TRY(find_stamp(mount, {volume.id, revision}))) states.emplace_back(revision, *stamp);
        return {};
    };
    for (const auto& revision : volume.revisions) TRY(add(TRY(base::RevisionId::parse(revision.name))));
    const bool has_own = volume.kind == kind::origin || volume.kind == kind::origin_snapshot;
    if (has_own && volume.state != protocol::state::removed) TRY(add({}));
    return states;
}

Bytes VolumeCopy::size() const {
    Bytes sum{};
    for (const auto& [revision, stamp] : states) sum = sum + stamp.size;
    return sum;
}

namespace {

// A time that is a revision's name may have lost its fraction of a second, or never been the file's own.
bool same_stamp(const std::optional<base::RevisionId>& revision, const StateStamp& one, const StateStamp& other) {
    return one.size == other.size && (one.modified == other.modified || (revision && revision->timed() != nullptr));
}

bool has_same_form(const VolumeCopy& copy, const Volume& there) {
    const bool same_size = copy.volume.kind != kind::volatile_volume || there.size == copy.volume.size;
    return there.kind == copy.volume.kind && there.source == copy.source && same_size;
}

}  // namespace

Result<bool> is_begun(const Mount& mount, const VolumeCopy& copy, const base::VolumeId& to) {
    const auto there = TRY(read_volume(mount, to));
    if (!has_same_form(copy, there)) return false;
    for (const auto& [revision, stamp] : TRY(states_of(mount, there))) {
        const auto planned = std::ranges::find(copy.states, revision, [](const auto& state) { return state.first; });
        if (planned == copy.states.end() || !same_stamp(revision, stamp, planned->second)) return false;
    }
    return true;
}

Result<bool> is_complete(const Mount& mount, const VolumeCopy& copy, const base::VolumeId& to) {
    if (!has_same_form(copy, TRY(read_volume(mount, to)))) return false;
    for (const auto& [revision, stamp] : copy.states) {
        const auto present = TRY(find_stamp(mount, {to, revision}));
        if (!present || present->size != stamp.size) return false;
    }
    return true;
}

Result<> copy_volume(const Mount& mount, const VolumeCopy& copy, const base::VolumeId& to, const CopyObserver& observer) {
    return Copier(mount, copy, to, observer).run();
}

Result<bool> has_arrived(const Mount& mount, const VolumeCopy& copy, const base::VolumeId& to, const CopyObserver& observer) {
    if (!TRY(is_complete(mount, copy, to))) return false;
    for (const auto& [revision, stamp] : copy.states)
        if (!TRY(same_content(mount, {copy.volume.id, revision}, {to, revision}, observer))) return false;
    return true;
}

}  // namespace varve::mount_client
