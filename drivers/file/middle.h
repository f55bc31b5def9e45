// SPDX-License-Identifier: LGPL-2.1-or-later
// The middle device of a state. Only for the stacks.
#pragma once

#include "drivers/file/device_steps.h"
#include "drivers/file/state_files.h"

namespace varve::file {

struct StateIds {
    FileId image;
    FileId cow;
};
[[nodiscard]] base::Result<StateIds> ids_of(Ports& ports, const StateFiles& files);

struct Middle {
    kernel::DmName name;
    kernel::DeviceNumber number;
    kernel::HeldLoop image;  // all devices over one image stand on one loop device: the kernel goes by it
    bool made_now = false;
};

// The one that is there, else a new one. It stays until the image is tidied. Corrupt when the state cannot be read through it.
[[nodiscard]] base::Result<Middle> ensure_middle(Ports& ports, const StateFiles& files, const StateIds& ids, kernel::DmBatch& batch);
// nullopt when it is not there.
[[nodiscard]] base::Result<std::optional<Middle>> use_middle(Ports& ports, const StateFiles& files, const StateIds& ids);

}  // namespace varve::file
