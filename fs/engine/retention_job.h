// SPDX-License-Identifier: LGPL-2.1-or-later
// What retention does without being asked, beside the pruning at every stop.
#pragma once

#include "fs/engine/catalogue.h"
#include "fs/engine/volumes.h"

#include <spdlog/fwd.h>

#include <cstddef>

namespace varve::engine {

// Run from time to time. What it cannot remove (a volume is busy) it logs and leaves for the next run.
class RetentionJob {
public:
    // Removed from one pool in one run at the most, for want of space: file systems give space back some time after a removal, so that a run
    // which waited for it to show would remove more than it has to.
    static constexpr std::size_t most_for_space = 16;

    RetentionJob(const Catalogue& catalogue, Volumes& volumes, spdlog::logger& log) : catalogue_(catalogue), volumes_(volumes), log_(log) {}

    // Prunes the volumes that have a schedule. Then, in pools with less free space than prune_below, removes what only a schedule keeps, the
    // oldest state first, until there is enough. What revisions_to_keep, pins and prune_grace keep is left alone.
    void run();

private:
    void prune(OpenPool& pool);
    void make_space(OpenPool& pool);

    const Catalogue& catalogue_;
    Volumes& volumes_;
    spdlog::logger& log_;
};

}  // namespace varve::engine
