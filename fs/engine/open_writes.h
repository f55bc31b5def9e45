// SPDX-License-Identifier: LGPL-2.1-or-later
// What is being written in one VM's directory: open transactions and scratch files, by the name of their path.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"
#include "drivers/base/units.h"
#include "fs/engine/patience.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace varve::engine {

class Transaction;
class ScratchFile;

// Thread-safe.
class OpenWrites {
public:
    // ---- transactions, keyed by the file name they write: "root.img", "root.img@before-upgrade". One that was announced to somebody who
    // never came is forgotten when it is asked for.
    // Busy, naming the writer, when there is one already.
    [[nodiscard]] base::Result<> add(const std::string& file, std::shared_ptr<Transaction> transaction);
    [[nodiscard]] std::shared_ptr<Transaction> find(const std::string& file);
    void remove(const std::string& file, const Transaction& transaction);
    [[nodiscard]] std::vector<std::string> files();
    struct Progress {
        base::VolumeName volume;
        bool restores_revision;
        base::Bytes written;
    };
    // How far each of them is. Drops none, and waits for nothing but the table.
    [[nodiscard]] std::vector<Progress> progress() const;

    // Waits until nothing writes `file`. Busy, naming the writer, when that takes too long.
    // close() returns before the kernel has told us of the release, so who comes right after a close must wait a little.
    [[nodiscard]] base::Result<> wait_closed(const std::string& file, Patience& patience);
    [[nodiscard]] base::Result<> wait_closed(const std::string& file, Patience&& patience) { return wait_closed(file, patience); }
    // The same for everything that belongs to a volume, revisions being restored included; nullopt: the whole VM.
    [[nodiscard]] base::Result<> wait_closed(const std::optional<base::VolumeName>& volume, Patience patience);
    // Waits until what is just being closed is closed, at most this long after its flush; then it counts as open.
    void let_close(std::chrono::milliseconds wait_release) const;
    // Wait until `done` holds; woken by changed().
    template <class Condition>
    bool wait(Patience patience, Condition done) const {
        std::unique_lock lock(mutex_);
        return patience.wait(changed_, lock, done);
    }
    template <class Condition>
    bool wait_until(std::chrono::steady_clock::time_point deadline, Condition done) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_until(lock, deadline, done);
    }
    void changed() const;

    // ---- scratch files
    [[nodiscard]] base::Result<> add_scratch(const std::string& name, std::shared_ptr<ScratchFile> scratch);
    [[nodiscard]] std::shared_ptr<ScratchFile> scratch(const std::string& name) const;
    [[nodiscard]] std::map<std::string, std::shared_ptr<ScratchFile>> all_scratch() const;
    // nullptr when there is none.
    std::shared_ptr<ScratchFile> take_scratch(const std::string& name);
    // One that was taken to be removed, but is still open: its image goes with its last release.
    void leaves(const std::shared_ptr<ScratchFile>& scratch);
    // Waits until all of these have gone; false when that takes too long.
    bool wait_left(Patience patience);

private:
    void drop_abandoned();
    [[nodiscard]] std::shared_ptr<Transaction> writer_of(const std::optional<base::VolumeName>& volume) const;

    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    std::map<std::string, std::shared_ptr<Transaction>> transactions_;
    std::map<std::string, std::shared_ptr<ScratchFile>> scratch_;
    std::vector<std::weak_ptr<ScratchFile>> leaving_;
};

}  // namespace varve::engine
