// SPDX-License-Identifier: LGPL-2.1-or-later
// What each command does: LVs are made first, one change of the records makes it so, names and leftovers follow.
#include "drivers/api/overloaded.h"
#include "drivers/lvm_thin/context.h"
#include "drivers/lvm_thin/lv_names.h"
#include "drivers/lvm_thin/revision_records.h"
#include "drivers/lvm_thin/session_commands.h"

#include <algorithm>

namespace varve::lvm_thin {
namespace {

using base::Errc;
using base::fail;
using base::Result;

class Runner {
public:
    Runner(Context& pool, const base::VolumePath& path)
        : pool_(pool), path_(path), next_(pool.catalog.look([](const Contents& now) { return now.records; })) {
        if (const auto found = next_.find(path)) id_ = *found;
    }

    Result<> operator()(const api::Create& create) {
        TRY(make_volume(create.config));
        if (!std::holds_alternative<api::Origin>(create.config.kind)) return commit();
        const auto lv = TRY(pool_.catalog.create(temporary(), pool_.catalog.rounded(create.config.size), {}, Lvm::Activation::Idle));
        const auto now = pool_.clock.now();
        next_.states.emplace(lv, StateRecord{id_, now, now, create.config.size});
        return commit();
    }

    Result<> operator()(const api::RemoveCommitted&) {
        if (const auto lv = next_.committed(id_)) drop(*lv);
        if (!api::saves_on_stop(next_.volumes.at(id_).config.kind)) next_.volumes.erase(id_);
        forget_if_empty();
        return commit();
    }

    Result<> operator()(const api::RemoveRevision& remove) {
        drop(TRY(find_revision(next_, id_, path_, remove.revision)));
        forget_if_empty();
        return commit();
    }

    Result<> operator()(const api::Start& start) { return start_session(pool_, path_, id_, start); }
    Result<> operator()(const api::Commit& commit) { return commit_session(pool_, path_, id_, commit); }
    Result<> operator()(const api::Stop& stop) { return stop_session(pool_, path_, id_, stop); }

    Result<> operator()(const api::Revert& revert) {
        auto lv = TRY(find_revision(next_, id_, path_, revert.revision));
        auto state = next_.states.at(lv);
        const auto now = pool_.clock.now();
        if (revert.source == api::Revert::Revision::Keep)
            lv = TRY(pool_.catalog.snapshot(lv, temporary(), {}, Lvm::Activation::Idle));
        else
            next_.states.erase(lv);
        if (const auto present = next_.committed(id_)) {
            if (revert.present == api::Revert::Present::KeepAsRevision)
                keep_as_revision(next_, *present, now, now);
            else
                drop(*present);
        }
        next_.states.insert_or_assign(lv, StateRecord{id_, state.modified, now, state.size});
        return commit();
    }

    Result<> operator()(const api::Resize& resize) {
        const auto session = pool_.catalog.look([&](const Contents& now) {
            const auto found = now.sessions.find(id_);
            return found == now.sessions.end() ? std::optional<LvUuid>() : std::optional(found->second.first);
        });
        if (session) return pool_.catalog.set_size(*session, pool_.catalog.rounded(resize.size));
        if (std::holds_alternative<api::Volatile>(next_.volumes.at(id_).config.kind)) {
            next_.volumes.at(id_).config.size = resize.size;
            return commit();
        }
        const auto lv = next_.committed(id_);
        if (!lv) return fail(Errc::NotFound, path_.str() + " has no committed state");
        if (next_.states.at(*lv).layerless) return pool_.catalog.set_size(*lv, pool_.catalog.rounded(resize.size));
        return resize_committed(*lv, resize.size);
    }

    Result<> operator()(const api::TakeSnapshot& take) {
        const auto present = next_.committed(id_);
        if (!present) return fail(Errc::NotFound, path_.str() + " has no committed state");
        const auto lv = TRY(pool_.catalog.snapshot(*present, temporary(), {}, Lvm::Activation::Idle));
        auto state = next_.states.at(*present);
        state.changed = pool_.clock.now();
        state.revision = take.label;
        next_.states.emplace(lv, std::move(state));
        return commit();
    }

    Result<> operator()(const api::RenameRevision& rename) {
        auto& state = next_.states.at(TRY(find_revision(next_, id_, path_, rename.from)));
        state.revision = rename.to;
        state.number = 0;
        state.replaced.reset();  // a pin needs no grace
        state.changed = pool_.clock.now();
        return commit();
    }

    Result<> operator()(const api::Publish& publish) {
        auto* image = dynamic_cast<ThinImage*>(&publish.image->storage());
        const auto known = image != nullptr && [&] {
            const std::lock_guard lock(pool_.memory);
            return pool_.images.contains(publish.image->handle());
        }();
        if (!known) return fail(Errc::InvalidArgument, "the private image " + publish.image->handle() + " is not one of this pool");
        const auto facts = TRY(image->facts());
        if (!facts.size.whole_sectors())
            return fail(Errc::InvalidArgument,
                        path_.str() + " would have " + std::to_string(facts.size.count) + " bytes, which is not a multiple of 512");
        if (id_.text.empty()) {
            api::VolumeConfig config;
            config.created = pool_.clock.now();
            TRY(make_volume(config));
        }
        TRY(image->trim());
        place(publish, image->lv(), StateRecord{id_, facts.modified, pool_.clock.now(), facts.size});
        TRY(commit());
        publish.image->published();
        const std::lock_guard lock(pool_.memory);
        pool_.images.erase(publish.image->handle());
        return {};
    }

    Result<> operator()(const api::SetTime& set) {
        const auto now = pool_.clock.now();
        if (!set.revision) {
            const auto lv = next_.committed(id_);
            if (!lv) return fail(Errc::NotFound, path_.str() + " has no state whose time could be set");
            next_.states.at(*lv).modified = set.modified;
            next_.states.at(*lv).changed = now;
            return commit();
        }
        auto& state = next_.states.at(TRY(find_revision(next_, id_, path_, *set.revision)));
        if (const auto* timed = state.revision->timed(); timed != nullptr && timed->seconds != nameable(set.modified.seconds))
            return fail(Errc::InvalidArgument, "the time of " + path_.str() + "@" + state.revision->str() +
                                                   " is its name; it cannot become " + base::iso_utc(set.modified.seconds));
        state.modified = set.modified;
        state.changed = now;
        return commit();
    }

    Result<> operator()(const api::Configure& configure) {
        auto& volume = next_.volumes.at(id_);
        volume.config = configure.config;
        volume.source = source_id(configure.config);
        return commit();
    }

    Result<> operator()(const api::Prune& prune) {
        const auto view = view_of(pool_, id_);
        const auto before = next_.states.size();
        prune_records(next_, id_, view->revisions, prune.retention);
        if (next_.states.size() != before) forget_if_empty();
        return commit();
    }

private:
    // The point of no return is in here: one change of the records.
    Result<> commit() {
        TRY(pool_.catalog.commit(std::move(next_)));
        pool_.catalog.settle_names(id_);
        pool_.catalog.collect();
        return {};
    }

    std::string temporary() const { return temporary_name(pool_.catalog.unique_name()); }

    void drop(const LvUuid& lv) {
        next_.states.erase(lv);
        next_.garbage.insert(lv);
    }

    std::optional<RecordId> source_id(const api::VolumeConfig& config) const {
        const auto* source = api::source_of(config.kind);
        return source == nullptr ? std::nullopt : next_.find(source->volume);
    }

    Result<> make_volume(const api::VolumeConfig& config) {
        TRY(check_names(pool_.settings.volume_group, path_));
        const auto vm = next_.find(path_.vm);
        if (!vm) return fail(Errc::NotFound, "there is no VM " + path_.vm.str() + " in this pool");
        id_ = RecordId{pool_.catalog.unique_name()};
        next_.volumes.emplace(id_, VolumeRecord{*vm, path_.volume, config, source_id(config)});
        return {};
    }

    // A volume exists as long as any state of it does; those without states of their own exist by themselves.
    void forget_if_empty() {
        const auto volume = next_.volumes.find(id_);
        if (volume == next_.volumes.end()) return;
        const auto has_state = std::ranges::any_of(next_.states, [&](const auto& state) { return state.second.volume == id_; });
        const auto runs = pool_.catalog.look([&](const Contents& now) { return now.sessions.contains(id_); });
        if (!has_state && !runs) next_.volumes.erase(volume);
    }

    // An LV that is somebody's base, or open, must keep its size: then a clone grows.
    Result<> resize_committed(const LvUuid& lv, base::Bytes size) {
        auto state = next_.states.at(lv);
        if (state.size == size) return {};
        state.size = size;
        state.modified = pool_.clock.now();
        state.changed = state.modified;
        const auto name = TRY(pool_.catalog.name_of(lv));
        const auto is_base = pool_.catalog.look([&](const Contents& now) { return now.is_base(lv); });
        const auto used = pool_.lvm->in_use(name);
        auto grown = lv;
        if (is_base || !used || *used) {
            grown = TRY(pool_.catalog.snapshot(lv, temporary(), {}, Lvm::Activation::Idle));
            const std::lock_guard lock(pool_.memory);
            if (const auto id = pool_.state_ids.find(lv); id != pool_.state_ids.end()) pool_.state_ids.insert_or_assign(grown, id->second);
        }
        TRY(pool_.catalog.set_size(grown, pool_.catalog.rounded(size)));
        if (grown != lv) drop(lv);
        next_.states.insert_or_assign(grown, state);
        return commit();
    }

    void place(const api::Publish& publish, const LvUuid& lv, StateRecord state) {
        const auto now = pool_.clock.now();
        const auto present = next_.committed(id_);
        std::visit(api::Overloaded{
                       [&](const api::Publish::AsCommitted&) {
                           if (present) keep_as_revision(next_, *present, now, now);
                       },
                       [&](const api::Publish::AsAmendment&) {
                           if (present) drop(*present);
                       },
                       [&](const api::Publish::AsRevision& revision) { name_restored(next_, state, revision.id); },
                   },
                   publish.target);
        next_.states.insert_or_assign(lv, std::move(state));
    }

    Context& pool_;
    const base::VolumePath& path_;
    Records next_;
    RecordId id_;  // empty: there is no such volume
};

}  // namespace

Result<> run(Context& pool, const base::VolumePath& volume, const api::Command& command) {
    TRY(pool.catalog.refresh());
    return std::visit(Runner(pool, volume), command);
}

}  // namespace varve::lvm_thin
