// SPDX-License-Identifier: LGPL-2.1-or-later
// What is set of a volume beside its kind, size and source.
#pragma once

#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

#include <string>
#include <string_view>
#include <vector>

namespace varve::mount_client {

// A word for configure(): the name of a volume's file, and what would be written to it.
[[nodiscard]] std::string setting(std::string_view file, std::string_view value);

// Makes all these settings in one step. When one is refused, or the command is interrupted, none is made.
[[nodiscard]] base::Result<> configure(const Mount& mount, const base::VolumeId& volume, std::vector<std::string> settings);

// Gives `to` the settings of `from` that differ.
[[nodiscard]] base::Result<> copy_settings(const Mount& mount, const base::VolumeId& from, const base::VolumeId& to);

}  // namespace varve::mount_client
