// SPDX-License-Identifier: LGPL-2.1-or-later
// What makes and removes disposables, and knows what they start from: a port.
#pragma once

#include "orchestrator/preload/vocabulary.h"

#include <set>

namespace varve::preloading {

// What disposables of a template start from at present.
struct Origin {
    preload::Content content;
    std::set<base::VolumeId> volumes;  // that it is taken from
};

// Thread-safe. Each call waits for its outcome.
class Makers {
public:
    Makers() = default;
    Makers(const Makers&) = delete;
    Makers& operator=(const Makers&) = delete;
    virtual ~Makers() = default;

    [[nodiscard]] virtual base::Result<Origin> look(const base::VmName& template_vm) = 0;
    // A name that no disposable had for a week, and none gets for a week.
    [[nodiscard]] virtual base::Result<base::VmName> reserve_name() = 0;
    // A disposable of that name, halted. A failure may leave some of it: `end` removes that.
    [[nodiscard]] virtual base::Result<> make(const base::VmName& disposable, const base::VmName& template_vm) = 0;
    // Ends and removes it, in whatever state it is. Fine when there is none.
    [[nodiscard]] virtual base::Result<> end(const base::VmName& disposable) = 0;
};

}  // namespace varve::preloading
