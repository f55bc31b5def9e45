// SPDX-License-Identifier: LGPL-2.1-or-later
// What a MemoryFileSystem has on its disk, and the journal of what is on its way there.
#pragma once

#include "drivers/base/timestamp.h"
#include "drivers/kernel/filesystem.h"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace varve::fakes {

using InodeNumber = std::uint64_t;

// A file's bytes, sparsely. Immutable once made.
struct Content {
    struct Extent {
        std::uint64_t offset;
        std::string data;
    };
    std::uint64_t size = 0;
    std::vector<Extent> extents;
    std::size_t digest = 0;

    // Reads and replaces the whole of an open memory file.
    [[nodiscard]] static std::shared_ptr<const Content> of(int fd);
    void put(int fd) const;
};

struct Attributes {
    base::Timestamp modified;
    uid_t uid = 0;
    gid_t gid = 0;
    mode_t mode = 0600;
};

struct DiskInode {
    kernel::FileType type = kernel::FileType::Regular;
    Attributes attributes;
    std::shared_ptr<const Content> content{};  // of regular files
    std::map<std::string, std::string> marks{};
    std::map<std::string, InodeNumber> entries{};  // of directories
};

// Copies share their inodes until one of them changes.
struct Disk {
    InodeNumber top = 1;
    std::map<InodeNumber, std::shared_ptr<const DiskInode>> inodes;

    [[nodiscard]] const DiskInode& at(InodeNumber number) const { return *inodes.at(number); }
    // Makes this disk's own copy of the inode and changes it.
    template <class Change>
    void change(InodeNumber number, Change change) {
        auto own = std::make_shared<DiskInode>(at(number));
        change(*own);
        inodes[number] = std::move(own);
    }

    // Inodes that the top directory leads to.
    [[nodiscard]] std::set<InodeNumber> reachable() const;
    // Equal for disks that nobody can tell apart by anything but inode numbers and the times of directories, when names that `canonical`
    // makes equal are equal.
    [[nodiscard]] std::size_t digest(const std::function<std::string(const std::string&)>& canonical = std::identity{}) const;
};

// One transaction of the journal: it reaches the disk as a whole or not at all.
struct NameChange {
    InodeNumber directory;
    std::string name;
    std::optional<InodeNumber> inode;  // absent: the name is gone
};
struct NamesChanged {
    std::vector<NameChange> names;
    base::Timestamp modified;
};  // and the directories' times
struct MarkChanged {
    InodeNumber inode;
    std::string key;
    std::optional<std::string> value;
};
struct TimeChanged {
    InodeNumber inode;
    base::Timestamp modified;
};
using Transaction = std::variant<NamesChanged, MarkChanged, TimeChanged>;

class Journal {
public:
    void add(Transaction transaction);
    [[nodiscard]] std::size_t size() const { return pending_.size(); }
    // The first `count` transactions, as a crash may leave them.
    void apply_prefix(Disk& disk, std::size_t count) const;
    // One of them, after all before it.
    void apply(Disk& disk, std::size_t index) const;
    // Inodes whose times an unfinished crash prefix of `count` has not set yet: in the journal nothing later, and no time, comes before them.
    [[nodiscard]] std::set<InodeNumber> times_after(std::size_t count) const;
    // fsync of a directory: its names, the marks of the files it names, and whatever came before on the same directories. Names elsewhere
    // stay pending: Btrfs promises no more.
    void sync_directory(Disk& disk, InodeNumber directory);
    // fsync of a file: its marks and times, not its names.
    void sync_file(Disk& disk, InodeNumber file);

private:
    std::vector<Transaction> pending_;
};

}  // namespace varve::fakes
