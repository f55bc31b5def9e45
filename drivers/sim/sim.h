// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver that keeps everything in memory: all rules of the real drivers, no root, no disk. For tests and demonstrations.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/base/timestamp.h"
#include "drivers/kernel/boot_id.h"

#include <memory>
#include <optional>

namespace varve::sim {

// What a sim pool has instead of a disk: it lives as long as somebody holds it, so that a test can close a pool and open it again, in the
// same boot or another. Nothing survives the process. One pool at a time may be open on it.
class Disk;
[[nodiscard]] std::shared_ptr<Disk> make_disk();

struct Settings {
    api::RevisionsToKeep revisions_to_keep = api::RevisionsToKeep::standard();
    // Parameter `size`: what all states and images together may allocate; absent: as much as there is memory. Every state has its own
    // memory (a clone is a copy here), looked at when something is made or committed, not at each write.
    std::optional<base::Bytes> size;
};

// `ids` and `clock` outlive the pool. Every state holds one descriptor of this process (a memfd). Needs /proc.
// A session's writes are known by its image's time: what is stored through a shared mapping alone leaves it as it was (the kernel keeps no
// time for that on a memfd), and does not count as written.
[[nodiscard]] std::unique_ptr<api::Pool> open(const Settings& settings, api::StateIds& ids, const base::Clock& clock, kernel::BootId boot);
[[nodiscard]] std::unique_ptr<api::Pool> open(const Settings& settings, std::shared_ptr<Disk> disk, api::StateIds& ids,
                                              const base::Clock& clock, kernel::BootId boot);

}  // namespace varve::sim
