// SPDX-License-Identifier: LGPL-2.1-or-later
// All volumes of a pool in one file: to ask for each alone takes some requests each, which for 10,000 is the better part of a minute.
#pragma once

#include "fs/engine/volumes.h"

#include <string>

namespace varve::control {

// JSON objects, a line each, by VM and volume; each has `volume`, the full name. Each volume is looked at once, without a lock: lines of two volumes may be of
// two moments. Plain files beside volumes (kernels) are none.
// A line for each volume: its configuration, state, outdated, size, usage, and the number of its revisions.
[[nodiscard]] std::string volumes_table(const engine::Volumes& volumes, const engine::OpenPool& pool);
// A line for each revision, as in the volume's own `revisions`.
[[nodiscard]] std::string revisions_table(const engine::Volumes& volumes, const engine::OpenPool& pool);
// A line for each state, as in the volume's own `shares`; a volume of which that cannot be told has one line with `error`.
[[nodiscard]] std::string shares_table(const engine::Volumes& volumes, const engine::OpenPool& pool);

}  // namespace varve::control
