// SPDX-License-Identifier: LGPL-2.1-or-later
// Messages to a thin pool (thin-provisioning.rst, "Messages"); DeviceMapper::message sends them.
#pragma once

#include "drivers/kernel/dm_targets.h"

#include <cstdint>
#include <string>

namespace varve::kernel::thin_message {

// A new, empty volume.
[[nodiscard]] inline std::string create(ThinId id) { return "create_thin " + std::to_string(id.value); }
// A snapshot of `origin`, whose active device must be suspended meanwhile: else what is on its way may or may not be in it.
[[nodiscard]] inline std::string snapshot(ThinId id, ThinId origin) {
    return "create_snap " + std::to_string(id.value) + " " + std::to_string(origin.value);
}
// Cannot be undone.
[[nodiscard]] inline std::string remove(ThinId id) { return "delete " + std::to_string(id.value); }
// Refused unless the pool's transaction id is `present`.
[[nodiscard]] inline std::string set_transaction_id(std::uint64_t present, std::uint64_t next) {
    return "set_transaction_id " + std::to_string(present) + " " + std::to_string(next);
}
// A copy of the metadata root that thin_dump can read while the pool runs; one at a time.
[[nodiscard]] inline std::string reserve_metadata() { return "reserve_metadata_snap"; }
[[nodiscard]] inline std::string release_metadata() { return "release_metadata_snap"; }

}  // namespace varve::kernel::thin_message
