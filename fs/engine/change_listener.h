// SPDX-License-Identifier: LGPL-2.1-or-later
// Who must hear that a path now shows another state.
#pragma once

#include "drivers/api/view.h"
#include "drivers/base/names.h"

namespace varve::engine {

class Vm;

// Called after the change is published, by the thread that made it, which may still hold the volume's lock: implementations only
// take note and return. `before` and `after` are nullptr for a volume that did not or does not exist.
class ChangeListener {
public:
    virtual ~ChangeListener() = default;
    virtual void volume_changed(const Vm& vm, const base::VolumeName& volume, const api::VolumeView* before,
                                const api::VolumeView* after) = 0;
};

}  // namespace varve::engine
