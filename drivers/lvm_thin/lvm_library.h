// SPDX-License-Identifier: LGPL-2.1-or-later
// The port's real version: LVM's library in a worker process, and libdevmapper.
#pragma once

#include "drivers/kernel/device_mapper.h"
#include "drivers/lvm_thin/lvm.h"
#include "drivers/lvm_thin/lvm_worker.h"
#include "drivers/lvm_thin/thin_metadata.h"

#include <filesystem>
#include <mutex>
#include <optional>

namespace varve::lvm_thin {

struct LvmPlace {
    std::string volume_group;
    std::string thin_pool;
    std::filesystem::path worker;   // varve-lvm-worker
    std::filesystem::path marks{};  // ReservedMetadata's
};

class LvmLibrary final : public Lvm {
public:
    // The names have been checked (lv.h). `mapper` outlives this.
    LvmLibrary(LvmPlace place, kernel::DeviceMapper& mapper);

    [[nodiscard]] base::Result<VolumeGroup> look() override;
    [[nodiscard]] base::Result<LvUuid> create(const std::string& name, base::Bytes size, const std::vector<std::string>& tags,
                                              Activation activation) override;
    [[nodiscard]] base::Result<LvUuid> snapshot(const std::string& origin, const std::string& name, const std::vector<std::string>& tags,
                                                Activation activation) override;
    [[nodiscard]] base::Result<> rename(const std::string& from, const std::string& to) override;
    [[nodiscard]] base::Result<> remove(const std::string& name) override;
    [[nodiscard]] base::Result<> set_size(const std::string& name, base::Bytes size) override;
    [[nodiscard]] base::Result<> activate(const std::string& name) override;
    [[nodiscard]] base::Result<> deactivate(const std::string& name) override;
    [[nodiscard]] base::Result<> change_tags(const std::string& name, const std::vector<std::string>& remove,
                                             const std::vector<std::string>& add) override;

    [[nodiscard]] std::filesystem::path path_of(const std::string& name) const override;
    [[nodiscard]] base::Result<base::UniqueFd> open(const std::string& name, Access access) const override;
    [[nodiscard]] base::Result<LvUuid> shown_by(int fd) const override;
    [[nodiscard]] base::Result<base::Bytes> mapped(const std::string& name) const override;
    [[nodiscard]] base::Result<std::map<LvUuid, base::Bytes>> mapped() override;
    [[nodiscard]] base::Result<bool> in_use(const std::string& name) const override;
    [[nodiscard]] base::Result<std::uint64_t> writes(const std::string& name) const override;
    [[nodiscard]] base::Result<base::Extents> differing(const std::string& a, const std::string& b) override;
    [[nodiscard]] base::Result<base::Bytes> exclusive(const std::string& name) override;
    [[nodiscard]] base::Result<ThinPoolHealth> health() const override;
    [[nodiscard]] base::Result<> discard(int fd, base::Bytes offset, base::Bytes length) override;

private:
    [[nodiscard]] std::string full(const std::string& lv) const { return place_.volume_group + "/" + lv; }
    [[nodiscard]] kernel::DmName device(const std::string& lv) const;
    [[nodiscard]] kernel::DmName pool_device() const;
    // The same, or the device that a new pool has instead. NotFound when it is not active.
    [[nodiscard]] base::Result<kernel::DmName> active_pool() const;
    // NotFound when it is not active.
    [[nodiscard]] base::Result<kernel::DmInfo> info(const std::string& lv) const;
    [[nodiscard]] base::Result<LvUuid> uuid_of(const std::string& lv, Activation activation);
    [[nodiscard]] base::Result<kernel::ThinId> thin_id(const std::string& lv);
    // Sets going what a worker that was killed has left suspended: who reads such a device, a guest too, waits for ever. To be called when no
    // other command of LVM's is under way.
    void resume_devices() const;
    // Gives devices the names that their LVs have: a worker may have been killed between the two.
    void finish_renames(const VolumeGroup& group);
    // Of this volume group; none when the thin pool is not active, or they cannot be listed.
    [[nodiscard]] std::vector<kernel::DmInfo> devices() const;
    // All of the volume group.
    [[nodiscard]] base::Result<std::vector<Lv>> list();
    // What LVM says of one, also of one without a device.
    [[nodiscard]] base::Result<Lv> idle(const std::string& name);
    // Its printed text; `what` begins the reason of a failure.
    [[nodiscard]] base::Result<std::string> run(const std::string& what, const std::vector<std::string>& words);
    // A command that changes LVM's metadata: durable when it returns.
    [[nodiscard]] base::Result<> change(const std::string& what, const std::vector<std::string>& words);
    [[nodiscard]] base::Result<> flush_disks() const;

    const LvmPlace place_;
    kernel::DeviceMapper& mapper_;
    LvmWorker worker_;
    ThinMetadata metadata_;
};

// Pure: what `lvs` and `vgs` print as JSON, and what LVM's words for a failure mean.
[[nodiscard]] base::Result<std::vector<Lv>> parse_lvs(std::string_view lvs);
[[nodiscard]] base::Result<base::Bytes> parse_extent(std::string_view vgs);
[[nodiscard]] base::Errc meaning_of(std::string_view errors);

}  // namespace varve::lvm_thin
