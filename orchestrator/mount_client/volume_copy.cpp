// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/volume_copy.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/create.h"
#include "orchestrator/mount_client/volume_settings.h"

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
            // At once: the settings decide what the retention job may remove of what comes next.
            TRY(ensure_settings());
        }
        return ensure_settings();
    }

private:
    Result<> ensure_made() const {
        if (TRY(mount_.exists(volume_control(to_, protocol::volume_file::kind)))) return {};
        const auto content = copy_.source.empty() ? std::to_string(copy_.volume.size) : copy_.source;
        return create_volume(mount_, {to_, copy_.volume.kind, content, {}, true, false});
    }

    Result<> ensure_settings() {
        if (settled_) return {};
        settled_ = true;
        return copy_settings(mount_, copy_.volume.id, to_);
    }

    Result<> ensure_state(const std::optional<base::RevisionId>& revision, const StateStamp& stamp) {
        const auto from = state_of(copy_.volume.id, revision);
        const auto to = state_of(to_, revision);
        const auto present = TRY(find_stamp(mount_, to));
        if (present && *present != stamp) TRY(mount_.unlink(state_path(to)));  // of an earlier attempt, and replaced since
        if (present != stamp) TRY(revision || copy_.volume.kind == kind::origin ? copy(from, to) : copy_by_revert(from, to));
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
    bool settled_ = false;
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

Result<> copy_volume(const Mount& mount, const VolumeCopy& copy, const base::VolumeId& to, const CopyObserver& observer) {
    return Copier(mount, copy, to, observer).run();
}

Result<bool> has_arrived(const Mount& mount, const VolumeCopy& copy, const base::VolumeId& to, const CopyObserver& observer) {
    const auto there = TRY(read_volume(mount, to));
    if (there.kind != copy.volume.kind || there.source != copy.source) return false;
    if (copy.states.empty()) return there.size == copy.volume.size;
    for (const auto& [revision, stamp] : copy.states) {
        const auto present = TRY(find_stamp(mount, {to, revision}));
        if (!present || !TRY(same_content(mount, {copy.volume.id, revision}, {to, revision}, observer))) return false;
    }
    return true;
}

}  // namespace varve::mount_client
