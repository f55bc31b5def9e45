// SPDX-License-Identifier: LGPL-2.1-or-later
// One writer's open write to a volume, from open(2) to the last close.
#pragma once

#include "drivers/api/private_image.h"
#include "drivers/api/view.h"
#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "fs/engine/image_io.h"
#include "fs/engine/volumes.h"
#include "fs/engine/writer.h"

#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>

namespace varve::engine {

// Writes go to a private image, cloned from the committed state at the first of them. flush() (close) makes what was written since
// the last one durable and commits it: the first commit keeps the old state as a revision, later ones amend the commit. What is written by an open
// that comes after a close, and has joined because the release was late, is a commit of its own: what a close has reported is never lost.
// What was only truncated, or created and not written, is committed at the last release: a shell closes once before the program writes.
//
// A failed write, or a writer killed by a signal, spoils the transaction: nothing more of it is committed.
//
// Thread-safe.
class Transaction {
public:
    struct Origin {
        base::UniqueFd committed;  // the state to start from; invalid when there is none
        base::Bytes size;          // of that state
        bool truncate = false;     // start empty all the same
    };

    // `revision`: the write restores that revision instead of making a committed state.
    Transaction(Volumes& volumes, const Processes& processes, VolumeRef volume, std::optional<base::RevisionId> revision, Origin origin,
                pid_t process);

    [[nodiscard]] const base::VolumeName& volume() const { return volume_.volume; }
    [[nodiscard]] const VolumeRef& ref() const { return volume_; }
    [[nodiscard]] const std::optional<base::RevisionId>& restores_revision() const { return revision_; }
    [[nodiscard]] std::string file() const;         // the name of its path in the VM's directory
    [[nodiscard]] std::string description() const;  // "root.img is open for writing by process 123"
    // There is no state yet that `file` could show. False from the first commit on: who comes then sees what is committed.
    [[nodiscard]] bool creates() const { return creates_.load(); }
    [[nodiscard]] pid_t process() const { return process_; }
    // How much has come so far, what was written twice counted twice. Without a lock.
    [[nodiscard]] base::Bytes written() const { return {written_.load(std::memory_order_relaxed)}; }

    // ---- handles: open files of the kernel that write through this transaction
    // An open is on its way: the transaction waits for it, but not for ever (an opener may be killed on the way).
    // False when the transaction has ended: the caller begins another.
    [[nodiscard]] bool expect_open();
    void expect_no_open();  // it will not come
    // It has come. False when the transaction did not wait so long, and has ended.
    [[nodiscard]] bool opened();
    // Releases one; the last one commits what is left and ends the transaction. The error is the commit's; nobody waits for it.
    [[nodiscard]] base::Result<> released();
    [[nodiscard]] bool has_handles() const;
    // Nobody has it open, and nobody is still expected. It ends with that.
    [[nodiscard]] bool end_if_abandoned();
    // Everything was flushed, and whoever did that is about to release: a newcomer should wait a moment.
    [[nodiscard]] bool closing() const { return flushed_since().has_value(); }
    // When that was.
    [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> flushed_since() const;
    // When the last flush left something that the release commits (a truncation) or drops (what failed); it follows at once unless a copy of
    // the descriptor lives on.
    [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> unsettled_since() const;

    // ---- data
    [[nodiscard]] base::Result<std::size_t> read(std::span<char> buffer, base::Bytes offset) const;
    [[nodiscard]] base::Result<> write(std::span<const char> data, base::Bytes offset, const Writer& writer);
    [[nodiscard]] base::Result<> set_size(base::Bytes size);
    [[nodiscard]] base::Result<> truncate_again();  // a further open with O_TRUNC
    [[nodiscard]] base::Result<> allocate(int mode, base::Bytes offset, base::Bytes length);
    [[nodiscard]] base::Result<> clone_from(int source, base::Bytes source_offset, base::Bytes offset, base::Bytes length,
                                            const Writer& writer);
    [[nodiscard]] base::Result<base::Bytes> seek(base::Bytes offset, int whence) const;
    [[nodiscard]] base::Result<> set_time(base::Timestamp time);
    [[nodiscard]] base::Result<struct stat> status() const;
    [[nodiscard]] base::Result<> sync(bool data_only);
    // Runs `use` with what there is to read, which stays valid for the call.
    [[nodiscard]] base::Result<> with_image(const std::function<base::Result<>(const Readable&)>& use) const;

    [[nodiscard]] base::Result<> flush(const Writer& writer);

private:
    enum class Pending { Nothing, Truncation, Changes, Dropped };
    static constexpr std::chrono::steady_clock::time_point not_flushed{};

    [[nodiscard]] int fd() const;
    [[nodiscard]] base::Result<Readable> image() const;
    [[nodiscard]] base::Result<> make_private();
    [[nodiscard]] base::Result<> usable() const;
    template <class Change>
    [[nodiscard]] base::Result<> change(const Change& apply);
    [[nodiscard]] base::Result<> commit_flushed(const Writer& writer);
    [[nodiscard]] base::Result<> commit();
    void drop(base::Error reason);
    [[nodiscard]] bool unused() const;

    Volumes& volumes_;
    const Processes& processes_;
    const VolumeRef volume_;
    const std::optional<base::RevisionId> revision_;
    std::atomic<bool> creates_;
    const pid_t process_;

    mutable std::shared_mutex mutex_;  // shared: I/O on the image; exclusive: another image, commit, flags
    base::UniqueFd committed_;         // what it started from
    const base::Bytes committed_size_;
    std::unique_ptr<api::PrivateImage> image_;  // what it writes; after a commit, that commit's image until the next write
    bool image_published_ = false;
    std::optional<base::Timestamp> time_only_;  // a time set on a transaction that changed no data
    std::optional<api::StateId> commit_;        // the state that this transaction has committed, to be amended
    std::optional<base::Error> spoiled_;
    std::set<pid_t> writers_;
    // Asked by waiters that must not wait for the mutex, which a commit holds for long.
    std::atomic<Pending> pending_ = Pending::Nothing;
    std::atomic<std::uint64_t> written_ = 0;
    std::atomic<std::chrono::steady_clock::time_point> flushed_{not_flushed};
    std::atomic<bool> opened_after_flush_ = false;

    mutable std::mutex life_mutex_;  // the innermost lock: nothing is called while it is held
    int handles_ = 0;
    int expected_ = 0;
    std::chrono::steady_clock::time_point last_expected_;
    bool ended_ = false;
};

}  // namespace varve::engine
