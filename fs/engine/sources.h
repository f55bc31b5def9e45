// SPDX-License-Identifier: LGPL-2.1-or-later
// Who starts from whom in a pool.
#pragma once

#include "drivers/api/view.h"
#include "drivers/base/names.h"

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

namespace varve::engine {

// An index from sources to the volumes that have them. Thread-safe.
class Sources {
public:
    // `child` has this source from now on; nullopt: none.
    void set(const base::VolumePath& child, const std::optional<api::Source>& source);

    [[nodiscard]] std::vector<base::VolumePath> children_of(const base::VolumePath& source) const;
    [[nodiscard]] std::vector<base::VolumePath> children_of(const base::VmName& source) const;
    // Revisions of `source` that a child is fixed to.
    [[nodiscard]] std::set<base::RevisionId> fixed_revisions(const base::VolumePath& source) const;
    // A child of the committed state (not fixed to a revision), if there is one.
    [[nodiscard]] std::optional<base::VolumePath> child_of_committed(const base::VolumePath& source) const;
    [[nodiscard]] std::optional<base::VolumePath> child_of_revision(const base::VolumePath& source, const base::RevisionId& revision) const;

private:
    mutable std::mutex mutex_;
    std::map<base::VolumePath, api::Source> source_of_;
    std::multimap<base::VolumePath, base::VolumePath> children_;
};

}  // namespace varve::engine
