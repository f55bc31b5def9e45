// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/retention_job.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

namespace varve::engine {

namespace {

using base::Result;

struct Candidate {
    VolumeRef volume;
    base::RevisionId revision;
    base::Timestamp modified;
};

// Calls `with` for each volume that has revisions: its reference, view and retention.
template <class With>
void for_each_past(const OpenPool& pool, const Volumes& volumes, const With& with) {
    for (const auto& vm : pool.vms()) {
        const auto vm_view = vm->view();
        for (const auto& [name, view] : vm_view->volumes) {
            const VolumeRef volume{vm, name};
            if (view && view->revisions.timed_count() != 0) with(volume, *view, volumes.retention(volume, *view));
        }
    }
}

// Oldest state first.
std::vector<Candidate> only_scheduled(const OpenPool& pool, const Volumes& volumes) {
    std::vector<Candidate> candidates;
    for_each_past(pool, volumes, [&](const VolumeRef& volume, const api::VolumeView& view, const api::Retention& retention) {
        if (retention.schedule.empty()) return;
        const auto reasons = api::judge(view.revisions, retention);
        auto reason = reasons.begin();
        for (const auto& revision : view.revisions)
            if ((reason++)->only_scheduled()) candidates.push_back({volume, revision.id, revision.state.modified});
    });
    std::ranges::stable_sort(candidates, {}, &Candidate::modified);
    return candidates;
}

// How much is missing to `prune_below`; nothing without one.
Result<base::Bytes> missing(const OpenPool& pool) {
    const auto portion = pool.prune_below();
    if (!portion) return base::Bytes{};
    const auto space = TRY(pool.driver().space());
    const auto least = base::portion_of(*portion, space.size);
    return space.available < least ? least - space.available : base::Bytes{};
}

}  // namespace

void RetentionJob::run() {
    for (const auto& pool : catalogue_.pools()) {
        prune(*pool);
        make_space(*pool);
    }
}

void RetentionJob::prune(OpenPool& pool) {
    std::vector<VolumeRef> due;
    for_each_past(pool, volumes_, [&](const VolumeRef& volume, const api::VolumeView& view, const api::Retention& retention) {
        if (!retention.schedule.empty() && !api::expired(view.revisions, retention).empty()) due.push_back(volume);
    });
    for (const auto& volume : due) {
        const auto removed = volumes_.prune(volume);
        if (!removed)
            log_.warn("retention: {}", removed.error().message());
        else
            for (const auto& revision : *removed) log_.info("retention: removed {}@{}", volume.id().str(), revision.str());
    }
}

void RetentionJob::make_space(OpenPool& pool) {
    auto lacking = missing(pool);
    if (!lacking) return log_.warn("retention: {}", lacking.error().message());
    if (lacking->count == 0) return;
    const auto candidates = only_scheduled(pool, volumes_);
    std::size_t removed = 0;
    for (const auto& [volume, revision, modified] : candidates) {
        if (removed == most_for_space || !lacking || lacking->count == 0) break;
        if (const auto gone = volumes_.remove_revision(volume, revision); !gone) {
            log_.warn("retention: {}", gone.error().message());
            continue;
        }
        ++removed;
        log_.info("retention: removed {}@{}, since pool {} has less free than prune_below", volume.id().str(), revision.str(),
                  pool.name().str());
        lacking = missing(pool);
    }
    if (!lacking) return log_.warn("retention: {}", lacking.error().message());
    if (lacking->count != 0)
        log_.warn("retention: pool {} still lacks {} to prune_below{}", pool.name().str(), base::human(*lacking),
                  removed == candidates.size() ? "; nothing is left that only a schedule keeps" : "");
}

}  // namespace varve::engine
