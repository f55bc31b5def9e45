// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/sim/commands.h"

#include "drivers/api/overloaded.h"
#include "drivers/api/pool.h"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

namespace varve::sim {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::RevisionId;
using base::TimedName;

// A session's image has this time until somebody writes to it: no clock can give it again.
constexpr base::Timestamp untouched{1, 1};

bool written(const StoredSession& session) {
    const auto facts = session.content->facts();
    return facts.modified != untouched || facts.size != session.size_at_start;
}

void sort(std::vector<StoredRevision>& revisions) {
    std::ranges::sort(revisions, {}, [](const StoredRevision& revision) { return std::tie(revision.state.modified, revision.number); });
}

std::vector<StoredRevision>::iterator find(StoredVolume& volume, const RevisionId& id) {
    const auto listed = std::ranges::find(volume.revisions, id, &StoredRevision::id);
    const auto* timed = id.timed();
    if (listed != volume.revisions.end() || timed == nullptr || !timed->number) return listed;
    return std::ranges::find_if(volume.revisions, [&](const StoredRevision& revision) {
        return revision.id.timed() != nullptr && revision.id.timed()->seconds == timed->seconds && revision.number == *timed->number;
    });
}

std::uint64_t next_number(const std::vector<StoredRevision>& revisions) {
    std::set<std::uint64_t> taken;
    for (const auto& revision : revisions) taken.insert(revision.number);
    if (taken.empty()) return 1;
    if (*taken.rbegin() != std::numeric_limits<std::uint64_t>::max()) return *taken.rbegin() + 1;
    std::uint64_t free = 1;  // somebody restored a revision with the last number there is
    while (taken.contains(free)) ++free;
    return free;
}

// Times beyond the years that a name can show are named by the nearest one, and must read back as what they say.
std::int64_t nameable(std::int64_t seconds) { return base::parse_iso_utc(base::iso_utc(seconds)).value_or(seconds); }

class Runner {
public:
    Runner(const Workshop& workshop, const base::VolumePath& path, std::optional<StoredVolume>& volume)
        : workshop_(workshop), path_(path), volume_(volume) {}

    Result<> operator()(const api::Create& create) {
        StoredVolume made{create.config, {}, {}, {}};
        if (std::holds_alternative<api::Origin>(create.config.kind))
            made.committed = new_state(TRY(Content::make(workshop_.disk.next_number++, create.config.size)));
        volume_ = std::move(made);
        return {};
    }

    Result<> operator()(const api::RemoveCommitted&) {
        volume_->committed.reset();
        forget_if_empty();
        return {};
    }

    Result<> operator()(const api::RemoveRevision& remove) {
        volume_->revisions.erase(find(*volume_, remove.revision));
        forget_if_empty();
        return {};
    }

    Result<> operator()(const api::Start& start) {
        if (volume_->session) {
            volume_->session->boot = workshop_.boot;
            return {};
        }
        if (std::holds_alternative<api::Volatile>(volume_->config.kind))
            return begin(TRY(Content::make(workshop_.disk.next_number++, volume_->config.size)));
        if (start.source) return start_from(start.source->where, *start.source->view);
        if (volume_->config.revisions_to_keep.value_or(workshop_.pool_default).no_snapshot_layer()) return start_without_layer();
        return begin(TRY(copy(*volume_->committed)));
    }

    Result<> operator()(const api::Stop& stop) {
        if (stop.outcome == api::Stop::Outcome::Commit) {
            if (volume_->session->layerless) {
                finish_without_layer();
            } else if (api::saves_on_stop(volume_->config.kind) && written(*volume_->session)) {
                TRY(workshop_.check_space());
                TRY(commit_session());
            }
            prune(stop.retention);
        }
        volume_->session.reset();
        return {};
    }

    Result<> operator()(const api::Commit& commit) {
        auto& session = *volume_->session;
        if (!written(session)) return {};
        TRY(workshop_.check_space());
        // First: a write in between must not be missed by the stop.
        session.content->set_modified(untouched);
        auto content = copy_of(session);
        if (!content) {
            session.content->set_modified(workshop_.now);
            return base::Failure(std::move(content).error());
        }
        if (session.base) session.content->set_modified(workshop_.now);  // it differs from its base for good
        session.size_at_start = session.content->facts().size;
        auto state = new_state(*std::move(content));
        state.modified = workshop_.now;
        if (volume_->committed) keep_present({});
        volume_->committed = std::move(state);
        prune(commit.retention);
        return {};
    }

    Result<> operator()(const api::Revert& revert) {
        const auto found = find(*volume_, revert.revision);
        auto state = found->state;
        if (revert.source == api::Revert::Revision::Keep) {
            state.id = workshop_.ids.next();
        } else {
            volume_->revisions.erase(found);
        }
        state.changed = workshop_.now;
        if (volume_->committed && revert.present == api::Revert::Present::KeepAsRevision) keep_present(workshop_.now);
        volume_->committed = std::move(state);
        return {};
    }

    Result<> operator()(const api::Resize& resize) {
        if (volume_->session) return volume_->session->content->set_size(resize.size);
        if (std::holds_alternative<api::Volatile>(volume_->config.kind)) {
            volume_->config.size = resize.size;
            return {};
        }
        auto& state = *volume_->committed;
        if (state.content->facts().size == resize.size) return {};
        auto grown = TRY(copy(state));
        TRY(grown->set_size(resize.size));
        state.modified = grown->facts().modified;
        state.content = std::move(grown);
        state.changed = workshop_.now;
        return {};
    }

    Result<> operator()(const api::TakeSnapshot& take) {
        auto state = *volume_->committed;
        state.id = workshop_.ids.next();
        state.changed = workshop_.now;
        insert({take.label, 0, std::move(state), {}});
        return {};
    }

    Result<> operator()(const api::RenameRevision& rename) {
        const auto found = find(*volume_, rename.from);
        found->id = rename.to;
        found->number = 0;
        found->replaced.reset();  // a pin needs no grace
        found->state.changed = workshop_.now;
        sort(volume_->revisions);
        return {};
    }

    Result<> operator()(const api::Publish& publish) {
        const auto image = workshop_.disk.images.find(publish.image->handle());
        if (image == workshop_.disk.images.end()) return fail(Errc::NotFound, "the private image " + publish.image->handle() + " is gone");
        const auto size = image->second->facts().size;
        if (!size.whole_sectors())
            return fail(Errc::InvalidArgument,
                        path_.str() + " would have " + std::to_string(size.count) + " bytes, which is not a multiple of 512");
        TRY(workshop_.check_space());
        if (!volume_) volume_.emplace().config.created = workshop_.now;
        auto state = new_state(image->second);
        std::visit(api::Overloaded{
                       [&](const api::Publish::AsCommitted&) {
                           if (volume_->committed) keep_present(workshop_.now);
                           volume_->committed = std::move(state);
                       },
                       [&](const api::Publish::AsAmendment&) { volume_->committed = std::move(state); },
                       [&](const api::Publish::AsRevision& revision) { restore(revision.id, std::move(state)); },
                   },
                   publish.target);
        workshop_.disk.images.erase(image);
        publish.image->published();
        return {};
    }

    Result<> operator()(const api::SetTime& set) {
        if (!set.revision) {
            if (!volume_->committed) return fail(Errc::NotFound, path_.str() + " has no state whose time could be set");
            set_time(*volume_->committed, set.modified);
            return {};
        }
        const auto found = find(*volume_, *set.revision);
        if (const auto* timed = found->id.timed(); timed != nullptr && timed->seconds != nameable(set.modified.seconds))
            return fail(Errc::InvalidArgument, "the time of " + path_.str() + "@" + found->id.str() + " is its name; it cannot become " +
                                                   base::iso_utc(set.modified.seconds));
        set_time(found->state, set.modified);
        sort(volume_->revisions);
        return {};
    }

    Result<> operator()(const api::Configure& configure) {
        volume_->config = configure.config;
        return {};
    }

    Result<> operator()(const api::Prune& command) {
        const bool had_revisions = !volume_->revisions.empty();
        prune(command.retention);
        if (had_revisions) forget_if_empty();
        return {};
    }

private:
    StoredState new_state(std::shared_ptr<Content> content) const {
        const auto modified = content->facts().modified;
        return {workshop_.ids.next(), std::move(content), modified, workshop_.now};
    }

    Result<std::shared_ptr<Content>> copy(const StoredState& state) const {
        return Content::copy_of(workshop_.disk.next_number++, state.content->fd());
    }

    void set_time(StoredState& state, base::Timestamp modified) const {
        state.modified = modified;
        state.changed = workshop_.now;
    }

    void insert(StoredRevision revision) {
        volume_->revisions.push_back(std::move(revision));
        sort(volume_->revisions);
    }

    // The plain time when it is free, else with the number that it has in any case.
    RevisionId name_for(std::int64_t seconds, std::uint64_t number) {
        RevisionId plain = TimedName{seconds, {}};
        if (find(*volume_, plain) == volume_->revisions.end()) return plain;
        return TimedName{seconds, number};
    }

    void keep_present(std::optional<base::Timestamp> replaced) {
        auto state = *std::exchange(volume_->committed, std::nullopt);
        state.changed = workshop_.now;
        const auto number = next_number(volume_->revisions);
        auto id = name_for(nameable(state.modified.seconds), number);
        insert({std::move(id), number, std::move(state), replaced});
    }

    void restore(const RevisionId& id, StoredState state) {
        std::uint64_t number = 0;
        if (const auto* timed = id.timed()) {
            number = timed->number ? *timed->number : next_number(volume_->revisions);
            if (nameable(state.modified.seconds) != timed->seconds) state.modified = {timed->seconds, 0};
        }
        insert({id, number, std::move(state), {}});
    }

    Result<> begin(std::shared_ptr<Content> content, std::optional<StoredState> base = {}) {
        TRY(workshop_.check_space());
        content->set_modified(untouched);
        const auto size = content->facts().size;
        volume_->session = StoredSession{std::move(content), workshop_.boot, size, std::move(base), {}};
        return {};
    }

    Result<> start_from(const api::Source& source, const api::VolumeView& view) {
        const auto& shown =
            source.fixed ? view.revisions.find(*source.fixed)->state : *view.committed;  // the rules have looked: it is there
        auto content = workshop_.disk.find(shown.identity.object);
        if (!content) return fail(Errc::NotFound, "the state of " + source.volume.str() + " that " + path_.str() + " starts from is gone");
        StoredState base{workshop_.ids.next(), std::move(content), shown.modified, workshop_.now};
        auto image = TRY(copy(base));
        return begin(std::move(image), std::move(base));
    }

    // The guest writes the state itself, so it must be nobody else's; the states kept so far go, but for the pinned ones.
    Result<> start_without_layer() {
        auto state = *volume_->committed;
        if (workshop_.disk.users(*state.content) > 1) state.content = TRY(copy(state));
        std::erase_if(volume_->revisions, [](const StoredRevision& revision) { return revision.id.timed() != nullptr; });
        TRY(begin(state.content));
        volume_->session->layerless = std::move(state);
        volume_->committed.reset();
        return {};
    }

    void finish_without_layer() {
        auto state = std::move(*volume_->session->layerless);
        if (written(*volume_->session)) {
            if (state.content->facts().modified != untouched) state.modified = state.content->facts().modified;
            state.changed = workshop_.now;
        }
        volume_->committed = std::move(state);
    }

    // Somebody may have truncated the device by hand.
    static Result<> make_whole(Content& content) {
        const auto size = content.facts().size;
        constexpr auto last_byte = base::sector_size - 1;
        if (size.whole_sectors()) return {};
        return content.set_size(base::Bytes{(size.count + last_byte) / base::sector_size * base::sector_size});
    }

    Result<std::shared_ptr<Content>> copy_of(const StoredSession& session) const {
        auto content = TRY(Content::copy_of(workshop_.disk.next_number++, session.content->fd()));
        TRY(make_whole(*content));
        return content;
    }

    Result<> commit_session() {
        auto content = volume_->session->content;
        TRY(make_whole(*content));
        auto state = new_state(std::move(content));
        if (state.modified == untouched) state.modified = workshop_.now;  // only its size has changed
        if (volume_->committed) keep_present({});
        volume_->committed = std::move(state);
        return {};
    }

    void prune(const api::Retention& retention) {
        for (const auto& gone : api::expired(view_of(*volume_, workshop_.boot).revisions, retention))
            volume_->revisions.erase(find(*volume_, gone.id));
    }

    // A volume exists as long as any state of it does, running or not; those of the other kinds exist by themselves.
    void forget_if_empty() {
        if (!volume_->committed && volume_->revisions.empty() && !volume_->session) volume_.reset();
    }

    const Workshop& workshop_;
    const base::VolumePath& path_;
    std::optional<StoredVolume>& volume_;
};

}  // namespace

Result<> Workshop::check_space() const {
    if (!size) return {};
    const auto used = disk.used();
    if (used <= *size) return {};
    return fail(Errc::NoSpace, "the pool has " + base::human(*size) + ", and its images would take " + base::human(used));
}

Result<> run(const Workshop& workshop, const base::VolumePath& path, std::optional<StoredVolume>& volume, const api::Command& command) {
    auto changed = volume;
    TRY(std::visit(Runner(workshop, path, changed), command));
    volume = std::move(changed);
    return {};
}

}  // namespace varve::sim
