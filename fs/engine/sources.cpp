// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/sources.h"

namespace varve::engine {

void Sources::set(const base::VolumePath& child, const std::optional<api::Source>& source) {
    const std::lock_guard lock(mutex_);
    if (const auto old = source_of_.find(child); old != source_of_.end()) {
        auto [first, last] = children_.equal_range(old->second.volume);
        for (auto each = first; each != last; ++each)
            if (each->second == child) {
                children_.erase(each);
                break;
            }
        source_of_.erase(old);
    }
    if (!source) return;
    source_of_.emplace(child, *source);
    children_.emplace(source->volume, child);
}

std::vector<base::VolumePath> Sources::children_of(const base::VolumePath& source) const {
    const std::lock_guard lock(mutex_);
    std::vector<base::VolumePath> children;
    const auto [first, last] = children_.equal_range(source);
    for (auto each = first; each != last; ++each) children.push_back(each->second);
    return children;
}

std::vector<base::VolumePath> Sources::children_of(const base::VmName& source) const {
    const std::lock_guard lock(mutex_);
    std::vector<base::VolumePath> children;
    for (const auto& [from, child] : children_)
        if (from.vm == source) children.push_back(child);
    return children;
}

std::set<base::RevisionId> Sources::fixed_revisions(const base::VolumePath& source) const {
    const std::lock_guard lock(mutex_);
    std::set<base::RevisionId> fixed;
    const auto [first, last] = children_.equal_range(source);
    for (auto each = first; each != last; ++each)
        if (const auto& revision = source_of_.at(each->second).fixed) fixed.insert(*revision);
    return fixed;
}

std::optional<base::VolumePath> Sources::child_of_committed(const base::VolumePath& source) const {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = children_.equal_range(source);
    for (auto each = first; each != last; ++each)
        if (!source_of_.at(each->second).fixed) return each->second;
    return std::nullopt;
}

std::optional<base::VolumePath> Sources::child_of_revision(const base::VolumePath& source, const base::RevisionId& revision) const {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = children_.equal_range(source);
    for (auto each = first; each != last; ++each)
        if (source_of_.at(each->second).fixed == revision) return each->second;
    return std::nullopt;
}

}  // namespace varve::engine
