// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/start_point.h"

#include "fs/engine/open_pool.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace varve::engine {

using base::Errc;
using base::fail;

const api::State* StartPoint::state() const {
    if (!where.fixed) return view->committed ? &*view->committed : nullptr;
    const auto* revision = view->revisions.find(*where.fixed);
    return revision != nullptr ? &revision->state : nullptr;
}

base::Result<std::optional<StartPoint>> find_start_point(const OpenPool& pool, const base::VolumePath& volume, const api::Source& source) {
    std::vector<base::VolumePath> passed{volume};
    auto step = source;
    while (true) {
        if (std::ranges::find(passed, step.volume) != passed.end())
            return fail(Errc::InvalidArgument, "the sources of " + volume.str() + " lead in a circle back to " + step.volume.str() +
                                                   "; give one of them another source");
        if (passed.size() > longest_chain)
            return fail(Errc::InvalidArgument,
                        "the chain of sources of " + volume.str() + " is longer than " + std::to_string(longest_chain) + " volumes");
        auto vm = pool.find(step.volume.vm);
        auto view = vm ? vm->volume(step.volume.volume) : nullptr;
        if (!view) return std::nullopt;
        const auto* snapshot = std::get_if<api::Snapshot>(&view->config.kind);
        if (step.fixed || snapshot == nullptr) return StartPoint{std::move(step), std::move(vm), std::move(view)};
        passed.push_back(std::move(step.volume));
        step = snapshot->source;
    }
}

api::Start start_command(const std::optional<StartPoint>& from) {
    if (!from) return {};
    return {api::StartSource{from->where, from->view.get()}};
}

}  // namespace varve::engine
