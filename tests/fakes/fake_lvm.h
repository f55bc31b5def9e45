// SPDX-License-Identifier: LGPL-2.1-or-later
// A thin pool in memory: LVs are files that no file system names. Its disk outlives the port, as a real one outlives a process.
#pragma once

#include "drivers/lvm_thin/lvm.h"
#include "tests/fakes/faults.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace varve::fakes {

class FakeThinDisk {
public:
    FakeThinDisk();

    // The machine starts again: nothing is active, and no counter counts on.
    void reboot();
    // vgchange --activate y, as at boot.
    void activate_all();
    // For tests: what LVM and the kernel would tell.
    [[nodiscard]] std::set<std::string> names() const;
    [[nodiscard]] std::set<std::string> active() const;
    [[nodiscard]] std::vector<std::string> pool_tags() const;
    void set_pool_tags(std::vector<std::string> tags);
    void set_health(lvm_thin::ThinPoolHealth health);
    void lose_volume_group();
    // While another program reads it nobody compares or counts what only the metadata tells.
    void set_metadata_busy(bool busy);
    // An LV that somebody else has made.
    void add_foreign(const std::string& name, std::string_view text = {}, std::string pool = "pool");
    void remove_foreign(const std::string& name);
    void hold_open(const std::string& name);
    void let_go(const std::string& name);
    [[nodiscard]] std::string text_in(const std::string& name) const;
    [[nodiscard]] Faults& faults() { return *faults_; }
    // After a death: another process looks at what is there.
    void power_on() { faults_ = std::make_unique<Faults>(); }

private:
    friend class FakeLvm;
    struct Volume {
        lvm_thin::Lv lv;
        base::UniqueFd file;
        std::uint64_t writes = 0;  // as far as anybody has looked
    };
    // Nothing counts on.
    static void deactivate(Volume& volume);
    [[nodiscard]] base::Result<Volume*> find(const std::string& name);
    // Held, or a descriptor of this process shows it.
    [[nodiscard]] bool is_open(const std::string& name, const Volume& volume) const;
    [[nodiscard]] base::Result<> read_metadata() const;
    [[nodiscard]] base::Result<Volume*> add(const std::string& name, base::Bytes size, const std::vector<std::string>& tags);

    mutable std::mutex mutex_;
    std::map<std::string, Volume> volumes_;
    std::vector<std::string> tags_;
    std::set<std::string> held_;
    lvm_thin::ThinPoolHealth health_;
    bool metadata_busy_ = false;
    std::uint64_t next_uuid_ = 1;
    bool lost_ = false;
    std::unique_ptr<Faults> faults_ = std::make_unique<Faults>();
};

class FakeLvm final : public lvm_thin::Lvm {
public:
    static constexpr const char* pool = "pool";
    static constexpr base::Bytes extent{65536};

    explicit FakeLvm(std::shared_ptr<FakeThinDisk> disk) : disk_(std::move(disk)) {}

    [[nodiscard]] base::Result<lvm_thin::VolumeGroup> look() override;
    [[nodiscard]] base::Result<lvm_thin::LvUuid> create(const std::string& name, base::Bytes size, const std::vector<std::string>& tags,
                                                        Activation activation) override;
    [[nodiscard]] base::Result<lvm_thin::LvUuid> snapshot(const std::string& origin, const std::string& name,
                                                          const std::vector<std::string>& tags, Activation activation) override;
    [[nodiscard]] base::Result<> rename(const std::string& from, const std::string& to) override;
    [[nodiscard]] base::Result<> remove(const std::string& name) override;
    [[nodiscard]] base::Result<> set_size(const std::string& name, base::Bytes size) override;
    [[nodiscard]] base::Result<> activate(const std::string& name) override;
    [[nodiscard]] base::Result<> deactivate(const std::string& name) override;
    [[nodiscard]] base::Result<> change_tags(const std::string& name, const std::vector<std::string>& remove,
                                             const std::vector<std::string>& add) override;

    [[nodiscard]] std::filesystem::path path_of(const std::string& name) const override;
    [[nodiscard]] base::Result<base::UniqueFd> open(const std::string& name, Access access) const override;
    [[nodiscard]] base::Result<lvm_thin::LvUuid> shown_by(int fd) const override;
    [[nodiscard]] base::Result<base::Bytes> mapped(const std::string& name) const override;
    [[nodiscard]] base::Result<std::map<lvm_thin::LvUuid, base::Bytes>> mapped() override;
    [[nodiscard]] base::Result<bool> in_use(const std::string& name) const override;
    [[nodiscard]] base::Result<std::uint64_t> writes(const std::string& name) const override;
    [[nodiscard]] base::Result<base::Extents> differing(const std::string& a, const std::string& b) override;
    [[nodiscard]] base::Result<base::Bytes> exclusive(const std::string& name) override;
    [[nodiscard]] base::Result<lvm_thin::ThinPoolHealth> health() const override;
    [[nodiscard]] base::Result<> discard(int fd, base::Bytes offset, base::Bytes length) override;

private:
    // Around the effect of one command of LVM.
    template <class Change>
    [[nodiscard]] auto change(const Change& change) -> decltype(change());

    std::shared_ptr<FakeThinDisk> disk_;
};

}  // namespace varve::fakes
