// SPDX-License-Identifier: LGPL-2.1-or-later
// Names, and what survives a crash; memory_files.cpp has the operations on open files.
#include "tests/fakes/memory_filesystem.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <stdexcept>
#include <utility>

namespace varve::fakes {

using base::fail_errno;
using base::Result;
using kernel::FileType;

namespace {

constexpr std::size_t longest_name = 255;  // NAME_MAX

Result<> check_name(const std::string& name) {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos || name.find('\0') != std::string::npos)
        return base::fail(base::Errc::InvalidName, "'" + name + "' is not a file name");
    if (name.size() > longest_name) return fail_errno(ENAMETOOLONG, name);
    return {};
}

}  // namespace

MemoryFileSystem::MemoryFileSystem(std::string top, const base::Clock& clock)
    : MemoryFileSystem(std::move(top), clock,
                       Disk{.top = 1,
                            .inodes = {{1, std::make_shared<const DiskInode>(
                                               DiskInode{.type = FileType::Directory, .attributes = {clock.now(), 0, 0, 0755}})}}}) {}

MemoryFileSystem::MemoryFileSystem(std::string top, const base::Clock& clock, const Disk& disk)
    : top_(std::move(top)), clock_(clock), space_{{1ULL << 40}, {1ULL << 39}, {1ULL << 39}} {
    disk_.top = disk.top;
    for (const auto number : disk.reachable()) {
        const auto& saved = disk.inodes.at(number);
        auto& inode = add_inode(number, saved);
        inode.marks = saved->marks;
        inode.entries = saved->entries;
    }
    for (const auto& [number, inode] : disk_.inodes)
        for (const auto& [name, entry] : inode->entries) ++inodes_.at(entry).links;
}

MemoryFileSystem::Inode& MemoryFileSystem::add_inode(InodeNumber number, std::shared_ptr<const DiskInode> saved) {
    next_ = std::max(next_, number + 1);
    auto& inode = inodes_[number];
    inode = Inode{.number = number,
                  .type = saved->type,
                  .attributes = saved->attributes,
                  .content = saved->content,
                  .memory = {},
                  .marks = {},
                  .entries = {},
                  .links = 0};
    disk_.inodes[number] = std::move(saved);
    return inode;
}

Result<base::UniqueFd> MemoryFileSystem::open_memory(Inode& inode, int flags) const {
    if (!inode.memory.valid()) {
        const auto& attributes = inode.attributes;
        base::UniqueFd memory(::memfd_create("varve-fake", MFD_CLOEXEC));
        struct stat status {};
        if (!memory.valid() || ::fstat(memory.get(), &status) != 0 || ::fchmod(memory.get(), attributes.mode) != 0 ||
            ::fchown(memory.get(), attributes.uid, attributes.gid) != 0)
            throw std::runtime_error("a memory file cannot be made");
        if (inode.content) inode.content->put(memory.get());
        const timespec times[2] = {{0, UTIME_OMIT}, attributes.modified.to_timespec()};
        if (::futimens(memory.get(), times) != 0) throw std::runtime_error("a memory file's time cannot be set");
        by_memory_[status.st_ino] = inode.number;
        inode.memory = std::move(memory);
    }
    base::UniqueFd fd(::open(("/proc/self/fd/" + std::to_string(inode.memory.get())).c_str(), flags | O_CLOEXEC));
    if (!fd.valid()) return fail_errno(errno, "a memory file cannot be opened");
    return fd;
}

// ---- finding inodes

Result<MemoryFileSystem::Inode*> MemoryFileSystem::open_inode(int fd) const {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return fail_errno(errno, "a descriptor");
    const auto found = by_memory_.find(status.st_ino);
    if (found == by_memory_.end()) return fail_errno(EBADF, "a descriptor of another file system");
    return &inodes_.at(found->second);
}

Result<MemoryFileSystem::Inode*> MemoryFileSystem::open_inode(int fd, FileType type) const {
    auto* inode = TRY(open_inode(fd));
    if (inode->type != type) return fail_errno(type == FileType::Directory ? ENOTDIR : EINVAL, "a descriptor of another type");
    return inode;
}

Result<MemoryFileSystem::Inode*> MemoryFileSystem::named(const Inode& directory, const std::string& name) const {
    TRY(check_name(name));
    const auto found = directory.entries.find(name);
    if (found == directory.entries.end()) return fail_errno(ENOENT, name);
    return &inodes_.at(found->second);
}

Result<MemoryFileSystem::Inode*> MemoryFileSystem::at_path(const std::string& path) const {
    auto* inode = &inodes_.at(disk_.top);
    for (std::size_t from = 0; from < path.size();) {
        const auto to = std::min(path.find('/', from), path.size());
        inode = TRY(named(*inode, path.substr(from, to - from)));
        from = to + 1;
    }
    return inode;
}

// ---- what tests arrange

void MemoryFileSystem::hold_open_for_writing(const std::string& path, bool held) {
    const std::lock_guard lock(mutex_);
    const auto number = at_path(path).value()->number;
    if (held)
        held_.insert(number);
    else
        held_.erase(number);
}

void MemoryFileSystem::plant_symlink(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto slash = path.rfind('/');
    const auto* directory = at_path(slash == std::string::npos ? "" : path.substr(0, slash)).value();
    const auto& inode =
        add_inode(next_, std::make_shared<const DiskInode>(DiskInode{.type = FileType::Symlink, .attributes = {clock_.now(), 0, 0, 0777}}));
    change_names({{directory->number, path.substr(slash + 1), inode.number}});
}

Result<base::UniqueFd> MemoryFileSystem::open_beside(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    return open_memory(*TRY(at_path(path)), O_RDWR);
}

// ---- crashes

std::size_t MemoryFileSystem::pending_transactions() const {
    const std::lock_guard lock(mutex_);
    return journal_.size();
}

MemoryFileSystem::Data MemoryFileSystem::data_of(const Inode& inode) const {
    if (!inode.memory.valid()) return {inode.attributes, inode.content};
    struct stat status {};
    if (::fstat(inode.memory.get(), &status) != 0) throw std::runtime_error("a memory file cannot be looked at");
    return {{base::Timestamp::from(status.st_mtim), status.st_uid, status.st_gid, status.st_mode & 07777U},
            inode.type == FileType::Directory ? nullptr : Content::of(inode.memory.get())};
}

void MemoryFileSystem::add_data(Disk& disk, const std::map<InodeNumber, Data>& data, CrashVariant variant) const {
    const auto journalled = journal_.times_after(variant.transactions);
    for (const auto number : disk.reachable()) {
        const auto& now = data.at(number);
        disk.change(number, [&](DiskInode& inode) {
            inode.content = now.content;
            if (variant.times && !journalled.contains(number)) inode.attributes = now.attributes;
        });
    }
}

std::map<InodeNumber, MemoryFileSystem::Data> MemoryFileSystem::all_data() const {
    std::map<InodeNumber, Data> data;
    for (const auto& [number, inode] : inodes_) data.emplace(number, data_of(inode));
    return data;
}

Disk MemoryFileSystem::disk_after(CrashVariant variant) const {
    const std::lock_guard lock(mutex_);
    Disk disk = disk_;
    journal_.apply_prefix(disk, variant.transactions);
    if (variant.data) add_data(disk, all_data(), variant);
    return disk;
}

std::vector<Disk> MemoryFileSystem::disks_after(CrashVariant variant) const {
    const std::lock_guard lock(mutex_);
    const auto data = variant.data ? all_data() : std::map<InodeNumber, Data>{};
    std::vector<Disk> disks;
    Disk disk = disk_;
    for (std::size_t kept = 0; kept <= journal_.size(); ++kept) {
        if (kept > 0) journal_.apply(disk, kept - 1);
        disks.push_back(disk);
        variant.transactions = kept;
        if (variant.data) add_data(disks.back(), data, variant);
    }
    return disks;
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::boot(const Disk& disk, const base::Clock& clock) const {
    std::unique_ptr<MemoryFileSystem> fresh(new MemoryFileSystem(top_, clock, disk));
    fresh->reflinks_ = reflinks_;
    fresh->marks_ = marks_;
    fresh->space_ = space_;
    return fresh;
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::copy(const base::Clock& clock) const {
    auto fresh = boot(disk_after({.transactions = std::numeric_limits<std::size_t>::max(), .data = true}), clock);
    const std::lock_guard lock(mutex_);
    fresh->held_ = held_;
    return fresh;
}

// ---- names

Result<base::UniqueFd> MemoryFileSystem::open_top(const std::string& path) const {
    return call(Effect::Reads, [&]() -> Result<base::UniqueFd> {
        if (path != top_) return fail_errno(ENOENT, path);
        return open_memory(inodes_.at(disk_.top), O_RDONLY);
    });
}

Result<base::UniqueFd> MemoryFileSystem::open_directory(int directory, const std::string& name) const {
    return call(Effect::Reads, [&]() -> Result<base::UniqueFd> {
        auto* inode = TRY(named(*TRY(open_inode(directory, FileType::Directory)), name));
        if (inode->type != FileType::Directory) return fail_errno(ENOTDIR, name);
        return open_memory(*inode, O_RDONLY);
    });
}

Result<base::UniqueFd> MemoryFileSystem::open_file(int directory, const std::string& name, Access access) const {
    return call(Effect::Reads, [&]() -> Result<base::UniqueFd> {
        auto* inode = TRY(named(*TRY(open_inode(directory, FileType::Directory)), name));
        if (inode->type == FileType::Symlink) return fail_errno(ELOOP, name);
        if (inode->type == FileType::Directory && access == Access::ReadWrite) return fail_errno(EISDIR, name);
        if (inode->type != FileType::Regular) return base::fail(base::Errc::InvalidArgument, "'" + name + "' is not a regular file");
        return open_memory(*inode, access == Access::Read ? O_RDONLY : O_RDWR);
    });
}

Result<InodeNumber> MemoryFileSystem::make(int directory, const std::string& name, FileType type, mode_t mode) {
    const auto* parent = TRY(open_inode(directory, FileType::Directory));
    TRY(check_name(name));
    if (parent->links == 0 && parent->number != disk_.top) return fail_errno(ENOENT, name);
    if (parent->entries.contains(name)) return fail_errno(EEXIST, name);
    const auto& inode = add_inode(next_, std::make_shared<const DiskInode>(DiskInode{
                                             .type = type,
                                             .attributes = {clock_.now(), 0, 0, mode},
                                             .content = type == FileType::Directory ? nullptr : std::make_shared<const Content>()}));
    change_names({{parent->number, name, inode.number}});
    return inode.number;
}

Result<base::UniqueFd> MemoryFileSystem::create_file(int directory, const std::string& name) {
    return call(Effect::TakesSpace, [&]() -> Result<base::UniqueFd> {
        const auto number = TRY(make(directory, name, FileType::Regular, 0600));
        return open_memory(inodes_.at(number), O_RDWR);
    });
}

Result<> MemoryFileSystem::make_directory(int directory, const std::string& name) {
    return call(Effect::TakesSpace, [&]() -> Result<> {
        TRY(make(directory, name, FileType::Directory, 0755));
        return {};
    });
}

Result<> MemoryFileSystem::remove(int directory, const std::string& name, FileType type) {
    const auto* parent = TRY(open_inode(directory, FileType::Directory));
    const auto* inode = TRY(named(*parent, name));
    if (type == FileType::Directory && inode->type != FileType::Directory) return fail_errno(ENOTDIR, name);
    if (type != FileType::Directory && inode->type == FileType::Directory) return fail_errno(EISDIR, name);
    if (!inode->entries.empty()) return fail_errno(ENOTEMPTY, name);
    change_names({{parent->number, name, std::nullopt}});
    return {};
}

Result<> MemoryFileSystem::remove_directory(int directory, const std::string& name) {
    return call(Effect::Removes, [&] { return remove(directory, name, FileType::Directory); });
}

Result<> MemoryFileSystem::unlink(int directory, const std::string& name) {
    return call(Effect::Removes, [&] { return remove(directory, name, FileType::Regular); });
}

Result<> MemoryFileSystem::link(int from_directory, const std::string& from, int to_directory, const std::string& to) {
    return call(Effect::TakesSpace, [&]() -> Result<> {
        const auto* inode = TRY(named(*TRY(open_inode(from_directory, FileType::Directory)), from));
        const auto* parent = TRY(open_inode(to_directory, FileType::Directory));
        TRY(check_name(to));
        if (parent->entries.contains(to)) return fail_errno(EEXIST, to);
        if (inode->type == FileType::Directory) return fail_errno(EPERM, from);
        change_names({{parent->number, to, inode->number}});
        return {};
    });
}

Result<> MemoryFileSystem::replace(const Inode& source, const Inode& target, Replace replace) const {
    if (replace == Replace::Never) return fail_errno(EEXIST, "the new name is taken");
    if (target.type == FileType::Directory && source.type != FileType::Directory) return fail_errno(EISDIR, "the new name is a directory");
    if (target.type != FileType::Directory && source.type == FileType::Directory)
        return fail_errno(ENOTDIR, "the new name is no directory");
    if (!target.entries.empty()) return fail_errno(ENOTEMPTY, "the new name is a directory that is not empty");
    return {};
}

Result<> MemoryFileSystem::rename(int from_directory, const std::string& from, int to_directory, const std::string& to, Replace allowed) {
    return call(Effect::TakesSpace, [&]() -> Result<> {
        const auto* old_parent = TRY(open_inode(from_directory, FileType::Directory));
        const auto* inode = TRY(named(*old_parent, from));
        const auto* new_parent = TRY(open_inode(to_directory, FileType::Directory));
        TRY(check_name(to));
        if (const auto target = new_parent->entries.find(to); target != new_parent->entries.end()) {
            if (target->second == inode->number && allowed == Replace::Allow) return {};  // rename(2): nothing happens, both names stay
            TRY(replace(*inode, inodes_.at(target->second), allowed));
        }
        change_names({{old_parent->number, from, std::nullopt}, {new_parent->number, to, inode->number}});
        return {};
    });
}

void MemoryFileSystem::change_names(std::vector<NameChange> names) {
    for (const auto& change : names) {
        auto& directory = inodes_.at(change.directory);
        if (const auto old = directory.entries.find(change.name); old != directory.entries.end()) {
            --inodes_.at(old->second).links;
            directory.entries.erase(old);
        }
        if (change.inode) {
            directory.entries[change.name] = *change.inode;
            ++inodes_.at(*change.inode).links;
        }
        stamp(directory);
    }
    journal_.add(NamesChanged{std::move(names), clock_.now()});
}

Result<std::vector<kernel::DirectoryEntry>> MemoryFileSystem::list(int directory) const {
    return call(Effect::Reads, [&]() -> Result<std::vector<kernel::DirectoryEntry>> {
        const auto* inode = TRY(open_inode(directory, FileType::Directory));
        std::vector<kernel::DirectoryEntry> entries;
        for (const auto& [name, number] : inode->entries) entries.push_back({name, inodes_.at(number).type});
        return entries;
    });
}

Result<kernel::FileStatus> MemoryFileSystem::status(int directory, const std::string& name) const {
    return call(Effect::Reads, [&]() -> Result<kernel::FileStatus> {
        return status_of(*TRY(named(*TRY(open_inode(directory, FileType::Directory)), name)));
    });
}

Result<bool> MemoryFileSystem::open_for_writing(int directory, const std::string& name) const {
    return call(Effect::Reads, [&]() -> Result<bool> {
        return held_.contains(TRY(named(*TRY(open_inode(directory, FileType::Directory)), name))->number);
    });
}

Result<kernel::FileSystemSpace> MemoryFileSystem::space(int directory) const {
    return call(Effect::Reads, [&]() -> Result<kernel::FileSystemSpace> {
        TRY(open_inode(directory));
        return space_;
    });
}

}  // namespace varve::fakes
