// SPDX-License-Identifier: LGPL-2.1-or-later
// The states that a caller knows already, so that they keep their ids when the disk is looked at again.
#pragma once

#include "drivers/api/view.h"
#include "drivers/images/volume_files.h"

#include <map>

namespace varve::images {

class KnownStates {
public:
    explicit KnownStates(const api::VolumeView* known) {
        if (known == nullptr) return;
        if (known->committed) remember(*known->committed);
        for (const auto& revision : known->revisions) remember(revision.state);
        if (known->session && known->session->base) remember(*known->session->base);
    }

    // A new id for a state that is not known.
    [[nodiscard]] api::StateId id_of(const api::Identity& identity, api::StateIds& ids) const {
        const auto found = ids_.find(identity);
        return found == ids_.end() ? ids.next() : found->second;
    }
    [[nodiscard]] base::Result<api::State> observe(const VolumeFiles& files, int file) const {
        auto state = TRY(files.observe(file, api::StateId{}));
        state.id = id_of(state.identity, files.pool().ids);
        return state;
    }

private:
    void remember(const api::State& state) { ids_.emplace(state.identity, state.id); }

    std::map<api::Identity, api::StateId> ids_;
};

}  // namespace varve::images
