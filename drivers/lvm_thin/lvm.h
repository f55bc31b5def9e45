// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything the driver asks of LVM and of the thin pool, as a port: the real one (lvm_library.h), and one for tests that keeps LVs as files in
// memory (tests/fakes/fake_lvm.h).
#pragma once

#include "drivers/base/extent.h"
#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "drivers/base/units.h"
#include "drivers/lvm_thin/lv.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace varve::lvm_thin {

struct ThinPoolHealth {
    base::Bytes data;
    base::Bytes data_used;
    base::Bytes chunk;
    double metadata_percent = 0;
    bool discards = true;      // what is discarded is given back to the disk below
    bool zeroes_new = true;    // what was never written reads as zero, also beside what was
    std::string trouble = {};  // not empty: nothing can be written, and why
};

// One thin pool of one volume group. Changes are durable when a call returns; one that fails has changed nothing, but for TimedOut and Io, after
// which nobody knows. Errors: NotFound (no such LV, or the VG is gone), Exists, Busy (somebody has it open), NoSpace, else Io with LVM's words.
// Thread-safe; changes are made one at a time.
class Lvm {
public:
    virtual ~Lvm() = default;
    Lvm() = default;
    Lvm(const Lvm&) = delete;
    Lvm& operator=(const Lvm&) = delete;

    // ---- metadata, changed only through LVM
    // All LVs, from LVM's own metadata: for the first look, and after a failure.
    [[nodiscard]] virtual base::Result<VolumeGroup> look() = 0;
    // An LV that is idle has no device. What that saves: docs/decisions/0015-idle-lvs.md.
    enum class Activation { Active, Idle };
    // New ones are zero where nothing was written. Sizes are whole extents.
    [[nodiscard]] virtual base::Result<LvUuid> create(const std::string& name, base::Bytes size, const std::vector<std::string>& tags,
                                                      Activation activation) = 0;
    [[nodiscard]] virtual base::Result<LvUuid> snapshot(const std::string& origin, const std::string& name,
                                                        const std::vector<std::string>& tags, Activation activation) = 0;
    [[nodiscard]] virtual base::Result<> rename(const std::string& from, const std::string& to) = 0;
    [[nodiscard]] virtual base::Result<> remove(const std::string& name) = 0;
    [[nodiscard]] virtual base::Result<> set_size(const std::string& name, base::Bytes size) = 0;
    [[nodiscard]] virtual base::Result<> activate(const std::string& name) = 0;
    // Success when it is idle already.
    [[nodiscard]] virtual base::Result<> deactivate(const std::string& name) = 0;
    // In one step. At most `most_tags` together.
    static constexpr std::size_t most_tags = 48;
    [[nodiscard]] virtual base::Result<> change_tags(const std::string& name, const std::vector<std::string>& remove,
                                                     const std::vector<std::string>& add) = 0;

    // ---- state, from the kernel
    [[nodiscard]] virtual std::filesystem::path path_of(const std::string& name) const = 0;
    // NotFound when it is not active.
    enum class Access { Read, ReadWrite };
    [[nodiscard]] virtual base::Result<base::UniqueFd> open(const std::string& name, Access access) const = 0;
    // The LV that an open descriptor shows. InvalidArgument for what is none of this VG's.
    [[nodiscard]] virtual base::Result<LvUuid> shown_by(int fd) const = 0;
    // Bytes of the pool that it maps, shared ones too. NotFound when it is not active.
    [[nodiscard]] virtual base::Result<base::Bytes> mapped(const std::string& name) const = 0;
    // The same of every LV of the pool, active or not, from the pool's metadata.
    [[nodiscard]] virtual base::Result<std::map<LvUuid, base::Bytes>> mapped() = 0;
    // Whether any process, mount or device has it open.
    [[nodiscard]] virtual base::Result<bool> in_use(const std::string& name) const = 0;
    // Writes and discards since it was activated: the same number twice says that there was none in between, unless it was activated again.
    // NotFound when it is not active.
    [[nodiscard]] virtual base::Result<std::uint64_t> writes(const std::string& name) const = 0;
    // Where the content of two LVs of the pool can differ, in whole chunks: from the pool's metadata. Nowhere only when neither was written since one
    // became a snapshot of the other.
    [[nodiscard]] virtual base::Result<base::Extents> differing(const std::string& a, const std::string& b) = 0;
    // Bytes that only this LV maps.
    [[nodiscard]] virtual base::Result<base::Bytes> exclusive(const std::string& name) = 0;
    [[nodiscard]] virtual base::Result<ThinPoolHealth> health() const = 0;
    // Gives back what an open LV holds in whole chunks of the range (multiples of ThinPoolHealth::chunk); it reads as zero afterwards.
    [[nodiscard]] virtual base::Result<> discard(int fd, base::Bytes offset, base::Bytes length) = 0;
};

}  // namespace varve::lvm_thin
