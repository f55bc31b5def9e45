// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/loops.h"

#include <algorithm>

namespace varve::kernel {

base::Result<std::vector<LoopDevice>> loops_over(const Loops& loops, const LoopBacking& backing) {
    auto found = TRY(loops.list());
    std::erase_if(found, [&](const LoopDevice& loop) { return loop.backing != backing; });
    return found;
}

base::Result<SharedLoop> find_or_attach(Loops& loops, int file, const LoopOptions& options) {
    const auto backing = TRY(loops.backing_of(file));
    const auto there = TRY(loops_over(loops, backing));
    const auto fits = std::ranges::find_if(there, [&](const LoopDevice& loop) {
        return loop.offset == options.offset && loop.size_limit == options.size_limit && !loop.autoclear &&
               (options.read_only || !loop.read_only);
    });
    if (fits != there.end()) return SharedLoop{*fits, false};
    return SharedLoop{TRY(loops.attach(file, options)), true};
}

}  // namespace varve::kernel
