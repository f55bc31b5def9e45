// SPDX-License-Identifier: LGPL-2.1-or-later
// The values of a volume's folder: what each file says and what writing to it does.
#pragma once

#include "drivers/base/result.h"
#include "fs/engine/volumes.h"

#include <span>
#include <string>
#include <string_view>

namespace varve::control {

struct VolumeValue {
    std::string_view name;
    // The text with its newline.
    base::Result<std::string> (*read)(const engine::Volumes& volumes, const engine::VolumeRef& volume, const api::VolumeView& view);
    // Gets the text without its newline; nullptr for what cannot be written.
    base::Result<> (*write)(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text) = nullptr;
};

// In the order of the documentation.
[[nodiscard]] std::span<const VolumeValue> volume_values();

}  // namespace varve::control
