// SPDX-License-Identifier: LGPL-2.1-or-later
// What a snapshot volume really starts from: the end of the chain disposable -> app -> template.
#pragma once

#include "drivers/api/command.h"
#include "drivers/api/view.h"
#include "drivers/base/result.h"
#include "fs/engine/vm.h"

#include <cstddef>
#include <optional>

namespace varve::engine {

// A snapshot volume has no state of its own and passes its source on. A step that is fixed to a revision ends the chain, and so does
// any other kind of volume.
struct StartPoint {
    api::Source where;  // the last volume, and the revision if the last step is fixed to one
    VmPtr vm;           // that volume's
    VolumeView view;    // of that volume, as it was when it was looked up

    // nullptr when the volume has no committed state, or no such revision.
    [[nodiscard]] const api::State* state() const;
};

// How many steps a chain may have.
inline constexpr std::size_t longest_chain = 16;

// `source` is what `volume` has as its source. nullopt when a volume of the chain does not exist; InvalidArgument when the chain leads
// back to one of its own volumes, or is longer than `longest_chain`.
[[nodiscard]] base::Result<std::optional<StartPoint>> find_start_point(const OpenPool& pool, const base::VolumePath& volume,
                                                                       const api::Source& source);

// The command that starts from there; nullopt: the volume has no source.
[[nodiscard]] api::Start start_command(const std::optional<StartPoint>& from);

}  // namespace varve::engine
