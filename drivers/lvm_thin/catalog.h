// SPDX-License-Identifier: LGPL-2.1-or-later
// The pool as the driver knows it: records, LVs and sessions. Read once, then followed through the driver's own commands.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/base/timestamp.h"
#include "drivers/kernel/boot_id.h"
#include "drivers/lvm_thin/lvm.h"
#include "drivers/lvm_thin/records.h"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spdlog {
class logger;
}

namespace varve::lvm_thin {

struct PoolLocation {
    std::string volume_group;
    std::string thin_pool;
};

// What is in the catalogue at one moment.
struct Contents {
    Records records;
    Records tagged;                        // what the tags say: also committed states whose LVs are gone
    std::map<LvUuid, Lv> lvs;              // thin volumes of this pool
    std::map<LvUuid, base::Bytes> mapped;  // of states as far as anybody has asked: nobody writes them
    bool mapped_of_idle = false;           // the idle ones of that moment were asked for
    std::map<RecordId, std::pair<LvUuid, SessionRecord>> sessions;
    std::set<std::string> other_names;   // LVs of the VG outside the pool
    std::vector<api::Finding> findings;  // of the last look
    base::Bytes extent;
    bool marked = false;  // the thin pool's tags say that it is Varve's

    [[nodiscard]] const Lv* find(std::string_view name) const;
    [[nodiscard]] bool is_session(const LvUuid& lv) const;
    // The LV is some session's base.
    [[nodiscard]] bool is_base(const LvUuid& lv) const;
    // Its VM writes it, or may go on to.
    [[nodiscard]] bool is_in_work(const LvUuid& lv) const;
};

// Locks: `look` is guarded by one mutex that is held for the look only. Changing calls are made by one thread at a time (the pool's command lock),
// but for set_size, which a growing private image may call at any time.
class Catalog {
public:
    Catalog(Lvm& lvm, PoolLocation where, const base::Clock& clock, spdlog::logger& log, std::string pool_name)
        : lvm_(lvm), where_(std::move(where)), clock_(clock), log_(log), pool_name_(std::move(pool_name)) {}

    [[nodiscard]] const PoolLocation& where() const { return where_; }
    [[nodiscard]] Lvm& lvm() const { return lvm_; }
    [[nodiscard]] const base::Clock& clock() const { return clock_; }
    void log(std::string_view who, std::string_view what) const;

    // Runs `use` on what is known, under the lock.
    template <class Use>
    [[nodiscard]] auto look(const Use& use) const {
        const std::lock_guard lock(mutex_);
        return use(std::as_const(now_));
    }

    // ---- changes
    // Reads everything again when it was never read or a command has failed since.
    [[nodiscard]] base::Result<> refresh();
    [[nodiscard]] base::Result<> reload();
    // Takes over what Qubes has left without records, finishes what a crash interrupted, removes what belongs to nobody.
    [[nodiscard]] base::Result<> recover();

    // Makes `next` the records, in one step (unless that is too much for one: then readers of a crash see some of it). The point of no return.
    [[nodiscard]] base::Result<> commit(Records next);
    // Gives the volume's LVs the names of their roles. What fails is logged, and done at the next recovery: names are not the truth.
    void settle_names(const RecordId& volume);
    // Removes garbage that nobody has open or started from. What cannot be removed stays, and is tried again later.
    void collect();

    // LVs; each logs what it did.
    using Activation = Lvm::Activation;
    [[nodiscard]] base::Result<LvUuid> create(const std::string& name, base::Bytes size, std::vector<std::string> tags,
                                              Activation activation);
    [[nodiscard]] base::Result<LvUuid> snapshot(const LvUuid& origin, const std::string& name, std::vector<std::string> tags,
                                                Activation activation);
    // One that nobody has open becomes idle first, but for what is in work.
    [[nodiscard]] base::Result<> rename(const LvUuid& lv, const std::string& to);
    [[nodiscard]] base::Result<> remove(const LvUuid& lv);
    [[nodiscard]] base::Result<> set_size(const LvUuid& lv, base::Bytes size);
    [[nodiscard]] base::Result<> set_tags(const LvUuid& lv, std::vector<std::string> remove, std::vector<std::string> add);
    // Nothing when it is known to be active, unless somebody has just seen that it is not.
    enum class Known { Trusted, Wrong };
    [[nodiscard]] base::Result<> activate(const LvUuid& lv, Known known = Known::Trusted);
    // Bytes of the pool that a state maps, shared ones too; nullopt when nobody can tell.
    [[nodiscard]] std::optional<base::Bytes> mapped(const LvUuid& lv);
    // Its VM is about to write it.
    void forget_mapped(const LvUuid& lv);
    // Takes the name from an LV of ours that has it by mistake; Exists when it is somebody else's.
    [[nodiscard]] base::Result<> free_name(const std::string& name);

    [[nodiscard]] std::string unique_name() const;
    // A whole number of extents, and at least one.
    [[nodiscard]] base::Bytes rounded(base::Bytes size) const;
    [[nodiscard]] base::Result<> check_size(base::Bytes size) const;
    [[nodiscard]] base::Result<std::string> name_of(const LvUuid& lv) const;

private:
    // Notes that nobody knows what the failed command did.
    template <class T>
    [[nodiscard]] base::Result<T> checked(base::Result<T> result);
    [[nodiscard]] std::string full_name(std::string_view lv) const { return where_.volume_group + "/" + std::string(lv); }
    [[nodiscard]] Records adopted(const Contents& seen) const;
    void sweep();
    [[nodiscard]] Records with_lost_states(Records records) const;
    void make_idle(const LvUuid& lv);
    void look_at_idle();
    [[nodiscard]] std::optional<std::string> wanted_name(const Contents& seen, const LvUuid& lv) const;

    Lvm& lvm_;
    const PoolLocation where_;
    const base::Clock& clock_;
    spdlog::logger& log_;
    const std::string pool_name_;

    mutable std::mutex mutex_;  // over now_
    Contents now_;
    std::mutex sizes_;  // keeps a look at LVM and a resize apart; taken before mutex_
    std::atomic<bool> stale_ = true;
};

}  // namespace varve::lvm_thin
