// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/cut_off_remakes.h"

#include "orchestrator/vm/remake.h"

#include <string>
#include <utility>

namespace varve::vm {

using base::Result;
using base::VmName;

std::vector<Repaired> CutOffRemakes::finish_all() {
    std::vector<Repaired> all;
    for (const auto& remake : world_.definitions.remakes().all()) {
        const auto finished = finish_of(remake.to);
        all.push_back({remake.from, remake.what == definitions::Remake::What::Rename ? Repair::FinishRename : Repair::UndoClone,
                       finished ? std::string() : finished.error().message()});
    }
    return all;
}

Result<> CutOffRemakes::finish_of(const VmName& vm) {
    const auto noted = world_.definitions.remakes().of(vm);
    if (!noted) return {};
    const bool renames = noted->what == definitions::Remake::What::Rename;
    const auto to = TRY(board_.claim(noted->to, {VmState::Halted}, "finish what was begun with"));
    const auto from = renames ? TRY(board_.claim(noted->from, {VmState::Halted}, "finish the rename of")) : nullptr;
    if (world_.definitions.remakes().of(vm) != noted) return {};  // whoever had the claim has done it
    auto finished = finish_remake(world_, *noted);
    if (finished) return {};
    return base::Failure(base::with_context(std::move(finished).error(), (renames ? "the rename of " : "a clone of ") + noted->from.str() +
                                                                             " to " + noted->to.str() + " was cut off, and cannot be " +
                                                                             (renames ? "finished" : "undone")));
}

}  // namespace varve::vm
