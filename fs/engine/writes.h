// SPDX-License-Identifier: LGPL-2.1-or-later
// How writing begins: opening a volume, creating a volume or revision, scratch files and what renaming them means.
#pragma once

#include "drivers/base/timestamp.h"
#include "fs/engine/scratch_file.h"
#include "fs/engine/transaction.h"
#include "fs/engine/volumes.h"
#include "fs/engine/writer.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace varve::engine {

// Thread-safe.
class Writes {
public:
    Writes(Volumes& volumes, const Processes& processes, const base::Clock& clock)
        : volumes_(volumes), processes_(processes), clock_(clock) {}

    // ---- transactions
    // An open for writing of a committed volume: a new transaction, or the one that this process has open already. Busy when another
    // program has it open, or the VM runs. It is announced to `writer`'s thread until that opens it (see announced()).
    [[nodiscard]] base::Result<std::shared_ptr<Transaction>> open(const VolumeRef& volume, const Writer& writer, bool truncate);
    // O_CREAT of a volume or (with `revision`) of a revision to restore, with one handle. Exists when it has been created meanwhile.
    [[nodiscard]] base::Result<std::shared_ptr<Transaction>> create(const VolumeRef& volume,
                                                                    const std::optional<base::RevisionId>& revision, const Writer& writer);
    // The process that is creating a file opens it once more: one more handle. Busy for others; ESTALE when it is not being created any more, so that the
    // path is to be looked up again.
    [[nodiscard]] base::Result<> open_again(const std::shared_ptr<Transaction>& transaction, const Writer& writer);
    // The transaction that this thread is about to open under `file`: the kernel looks the path up once more in between.
    [[nodiscard]] std::shared_ptr<Transaction> announced(const Vm& vm, const std::string& file, pid_t thread) const;
    // The open that was announced to this thread has come: one more handle. False when nothing was, or it came too late.
    [[nodiscard]] bool open_announced(const std::shared_ptr<Transaction>& transaction, pid_t thread);

    // What `file` shows to everyone while it is being created; nullptr otherwise. Waits a moment for a truncation that is being closed.
    [[nodiscard]] std::shared_ptr<Transaction> creating(Vm& vm, const std::string& file) const;

    // The same for a whole VM: the files that are being created, after what is just being closed has become what it will be.
    [[nodiscard]] std::vector<std::string> creating(Vm& vm) const;

    // For who only looks at the VM: gives what is just being closed the time to become what it will be.
    void let_close(Vm& vm) const;

    // ---- scratch files
    [[nodiscard]] base::Result<std::shared_ptr<ScratchFile>> create_scratch(const VmPtr& vm, const std::string& name);
    [[nodiscard]] base::Result<std::shared_ptr<ScratchFile>> create_scratch_link(const VmPtr& vm, const std::string& name,
                                                                                 const std::string& target);
    // A clone of the committed state (ln -f makes one and renames it).
    [[nodiscard]] base::Result<std::shared_ptr<ScratchFile>> create_scratch_snapshot(const VolumeRef& volume, const VmPtr& vm,
                                                                                     const std::string& name);
    // The counterpart of ScratchFile::opened().
    void scratch_released(Vm& vm, ScratchFile& scratch, bool for_writing) const;
    [[nodiscard]] base::Result<> remove_scratch(Vm& vm, const std::string& name);
    [[nodiscard]] base::Result<> rename_scratch(Vm& from, const std::string& name, Vm& to, const std::string& new_name);
    // Makes a scratch file the committed state of `volume` (or its source, for links), or restores `revision` from it. Waits for a writer that is
    // just closing it.
    [[nodiscard]] base::Result<> publish_scratch(Vm& from, const std::string& name, const VolumeRef& volume,
                                                 const std::optional<base::RevisionId>& revision);
    // Removes the files that nobody has touched for a day.
    void sweep_scratch(Vm& vm) const;

    // Makes a snapshot volume, or gives an existing one another source.
    [[nodiscard]] base::Result<> link_source(const VolumeRef& volume, const std::string& target);

private:
    [[nodiscard]] base::Result<std::shared_ptr<Transaction>> begin(const VolumeRef& volume, const std::optional<base::RevisionId>& revision,
                                                                   Transaction::Origin origin, const Writer& writer);
    [[nodiscard]] base::Result<std::shared_ptr<Transaction>> join(const VolumeRef& volume, const std::string& file, const Writer& writer,
                                                                  bool truncate);
    void let_close(OpenWrites& writes, const Transaction& closing, const Writer& writer) const;
    void announce(const std::shared_ptr<Transaction>& transaction, const Writer& writer);

    Volumes& volumes_;
    const Processes& processes_;
    const base::Clock& clock_;
    mutable std::mutex mutex_;
    std::map<pid_t, std::shared_ptr<Transaction>> announced_;  // by thread
};

}  // namespace varve::engine
