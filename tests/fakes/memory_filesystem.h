// SPDX-License-Identifier: LGPL-2.1-or-later
// A file system in memory that knows what is on its disk and what is not, and that can lose its power or fail at any call.
#pragma once

#include "drivers/base/timestamp.h"
#include "drivers/kernel/filesystem.h"
#include "tests/fakes/faults.h"
#include "tests/fakes/memory_disk.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace varve::fakes {

// What of the unsynced changes a crash leaves on the disk.
struct CrashVariant {
    std::size_t transactions = 0;  // how many of the journal's pending ones, from the oldest
    bool data = false;             // content and sizes of files: false leaves each as at its last sync (empty when there was none)
    bool times = true;             // with data: the times, owners and permissions too. Without: data that was overwritten in place
};

// Open files and directories are real descriptors (of memory files), so that what a driver hands out can be used with the system's
// own calls. Inode numbers survive a crash. Clones copy: `exclusive` is all that is allocated. Thread-safe.
//
// Model of durability: changes of names, marks and explicit times are transactions in an ordered journal (as XFS, ext4 and Btrfs keep
// one), of which a crash leaves some prefix; the rest is lost. sync_data writes a file's content and size, sync also its times, owner,
// permissions and marks; sync of a directory writes its names and the marks of the files that it names.
class MemoryFileSystem final : public kernel::FileSystem {
public:
    // With an empty top directory at the absolute path `top`. Files that this object changes get their times from `clock`, which must
    // outlive it; files that are written through their descriptors get the system's.
    MemoryFileSystem(std::string top, const base::Clock& clock);
    ~MemoryFileSystem() override = default;

    // ---- what the kernel below can do
    void set_reflinks(bool supported) { reflinks_ = supported; }
    void set_marks(bool supported) { marks_ = supported; }
    void set_space(kernel::FileSystemSpace space) { space_ = space; }
    // Somebody has the file (a path below the top) open for writing, or no longer.
    void hold_open_for_writing(const std::string& path, bool held);
    // A symbolic link, as somebody else may plant it.
    void plant_symlink(const std::string& path);
    // What somebody else does with a file (a path below the top), for reading and writing: not a call, and no fault stops it.
    [[nodiscard]] base::Result<base::UniqueFd> open_beside(const std::string& path) const;

    // ---- faults
    [[nodiscard]] Faults& faults() { return faults_; }
    // Calls `moment` before and after the effect of every call, on its thread and without the lock: a power cut there leaves what disk_after
    // tells there, since a dead process changes nothing more. One run shows all its deaths. Set while nobody else uses the file system.
    void watch(std::function<void(Effect)> moment) { moment_ = std::move(moment); }

    // ---- crashes
    [[nodiscard]] std::size_t pending_transactions() const;
    // What is on the disk after a crash.
    [[nodiscard]] Disk disk_after(CrashVariant variant) const;
    // The same for every number of transactions, from none to all that are pending.
    [[nodiscard]] std::vector<Disk> disks_after(CrashVariant variant) const;
    // The file system after the next boot. `clock` as in the constructor.
    [[nodiscard]] std::unique_ptr<MemoryFileSystem> boot(const Disk& disk, const base::Clock& clock) const;
    // Everything as it is now, synced.
    [[nodiscard]] std::unique_ptr<MemoryFileSystem> copy(const base::Clock& clock) const;

    // ---- kernel::FileSystem
    [[nodiscard]] base::Result<base::UniqueFd> open_top(const std::string& path) const override;
    [[nodiscard]] base::Result<base::UniqueFd> open_directory(int directory, const std::string& name) const override;
    [[nodiscard]] base::Result<base::UniqueFd> open_file(int directory, const std::string& name, Access access) const override;
    [[nodiscard]] base::Result<base::UniqueFd> create_file(int directory, const std::string& name) override;
    [[nodiscard]] base::Result<> make_directory(int directory, const std::string& name) override;
    [[nodiscard]] base::Result<> remove_directory(int directory, const std::string& name) override;
    [[nodiscard]] base::Result<> unlink(int directory, const std::string& name) override;
    [[nodiscard]] base::Result<> link(int from_directory, const std::string& from, int to_directory, const std::string& to) override;
    [[nodiscard]] base::Result<> rename(int from_directory, const std::string& from, int to_directory, const std::string& to,
                                        Replace replace) override;
    [[nodiscard]] base::Result<std::vector<kernel::DirectoryEntry>> list(int directory) const override;
    [[nodiscard]] base::Result<kernel::FileStatus> status(int directory, const std::string& name) const override;
    [[nodiscard]] base::Result<kernel::FileStatus> status(int file) const override;
    [[nodiscard]] base::Result<std::string> read_all(int file, base::Bytes limit) const override;
    [[nodiscard]] base::Result<> write_all(int file, std::string_view data) override;
    [[nodiscard]] base::Result<> set_size(int file, base::Bytes size) override;
    [[nodiscard]] base::Result<> set_modified(int file, base::Timestamp time) override;
    [[nodiscard]] base::Result<> take_ownership(int file) override;
    [[nodiscard]] base::Result<> sync_data(int file) override;
    [[nodiscard]] base::Result<> sync(int file) override;
    [[nodiscard]] base::Result<std::optional<std::string>> mark(int file, const std::string& key) const override;
    [[nodiscard]] base::Result<> set_mark(int file, const std::string& key, const std::string& value) override;
    [[nodiscard]] base::Result<> remove_mark(int file, const std::string& key) override;
    [[nodiscard]] base::Result<> clone(int from, int to) override;
    [[nodiscard]] base::Result<> clone_range(int from, base::Bytes from_offset, int to, base::Bytes to_offset, base::Bytes length) override;
    [[nodiscard]] base::Result<> copy_sparse(int from, int to) override;
    [[nodiscard]] base::Result<bool> open_for_writing(int directory, const std::string& name) const override;
    [[nodiscard]] base::Result<kernel::FileSystemSpace> space(int directory) const override;
    [[nodiscard]] base::Result<base::Bytes> exclusive(int file) const override;
    [[nodiscard]] base::Result<base::Extents> differing(int one, int other) const override;

private:
    MemoryFileSystem(std::string top, const base::Clock& clock, const Disk& disk);

    struct Inode {
        InodeNumber number;
        kernel::FileType type;
        // Until somebody opens the inode; then they are the memory file's.
        Attributes attributes;
        std::shared_ptr<const Content> content;
        base::UniqueFd memory;
        std::map<std::string, std::string> marks;
        std::map<std::string, InodeNumber> entries;
        std::uint64_t links = 0;  // names; 0: only descriptors are left
    };

    template <class Body>
    auto call(Effect effect, Body body) const -> decltype(body()) {
        if (moment_) moment_(effect);
        auto result = call_locked(effect, std::move(body));
        if (moment_) moment_(effect);
        return result;
    }

    // One call of the port: `body` runs under the lock unless a fault stops it.
    template <class Body>
    auto call_locked(Effect effect, Body body) const -> decltype(body()) {
        const std::lock_guard lock(mutex_);
        TRY(faults_.enter(effect));
        auto result = body();
        TRY(faults_.leave());
        return result;
    }

    // What a write changes without a transaction.
    struct Data {
        Attributes attributes;
        std::shared_ptr<const Content> content;
    };

    [[nodiscard]] Effect effect_of_sync(int file) const;
    Inode& add_inode(InodeNumber number, std::shared_ptr<const DiskInode> saved);
    [[nodiscard]] base::Result<base::UniqueFd> open_memory(Inode& inode, int flags) const;
    [[nodiscard]] base::Result<Inode*> open_inode(int fd) const;
    [[nodiscard]] base::Result<Inode*> open_inode(int fd, kernel::FileType type) const;
    [[nodiscard]] base::Result<Inode*> named(const Inode& directory, const std::string& name) const;
    [[nodiscard]] base::Result<Inode*> at_path(const std::string& path) const;
    [[nodiscard]] base::Result<InodeNumber> make(int directory, const std::string& name, kernel::FileType type, mode_t mode);
    [[nodiscard]] base::Result<> remove(int directory, const std::string& name, kernel::FileType type);
    [[nodiscard]] base::Result<> replace(const Inode& source, const Inode& target, Replace replace) const;
    void change_names(std::vector<NameChange> names);
    void stamp(Inode& inode) const;
    [[nodiscard]] kernel::FileStatus status_of(const Inode& inode) const;
    [[nodiscard]] Data data_of(const Inode& inode) const;
    [[nodiscard]] std::map<InodeNumber, Data> all_data() const;
    void add_data(Disk& disk, const std::map<InodeNumber, Data>& data, CrashVariant variant) const;

    const std::string top_;
    const base::Clock& clock_;
    bool reflinks_ = true;
    bool marks_ = true;
    kernel::FileSystemSpace space_;
    std::function<void(Effect)> moment_;

    mutable Faults faults_;
    mutable std::mutex mutex_;  // over everything below
    InodeNumber next_ = 1;
    mutable std::map<InodeNumber, Inode> inodes_;
    mutable std::map<ino_t, InodeNumber> by_memory_;
    std::set<InodeNumber> held_;
    Disk disk_;
    Journal journal_;
};

}  // namespace varve::fakes
