// SPDX-License-Identifier: LGPL-2.1-or-later
// MemoryFileSystem's operations on open files.
#include "tests/fakes/memory_filesystem.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace varve::fakes {

using base::Bytes;
using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using kernel::FileType;

namespace {

constexpr std::uint64_t block = 4096;  // what FICLONERANGE aligns to on XFS and Btrfs
constexpr std::uint64_t stat_block = 512;

Result<> write_at(int fd, std::uint64_t offset, std::string_view data) {
    while (!data.empty()) {
        const auto written = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
        if (written < 0) return fail_errno(errno, "a write");
        offset += static_cast<std::uint64_t>(written);
        data.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<> writable(int fd) {
    const auto flags = ::fcntl(fd, F_GETFL);
    if (flags < 0) return fail_errno(errno, "a descriptor");
    if ((flags & O_ACCMODE) == O_RDONLY) return fail_errno(EBADF, "a descriptor that is only for reading");
    return {};
}

}  // namespace

kernel::FileStatus MemoryFileSystem::status_of(const Inode& inode) const {
    kernel::FileStatus found{.type = inode.type,
                             .device = 1,
                             .inode = inode.number,
                             .links = inode.number == disk_.top ? 1 : inode.links,
                             .size = {},
                             .allocated = {},
                             .modified = inode.attributes.modified,
                             .uid = inode.attributes.uid,
                             .gid = inode.attributes.gid,
                             .mode = inode.attributes.mode};
    if (!inode.memory.valid()) {
        if (!inode.content) return found;
        found.size = {inode.content->size};
        for (const auto& extent : inode.content->extents) found.allocated.count += (extent.data.size() + block - 1) / block * block;
        return found;
    }
    struct stat status {};
    if (::fstat(inode.memory.get(), &status) != 0) throw std::runtime_error("a memory file cannot be looked at");
    found.size = {static_cast<std::uint64_t>(status.st_size)};
    found.allocated = {static_cast<std::uint64_t>(status.st_blocks) * stat_block};
    found.modified = base::Timestamp::from(status.st_mtim);
    found.uid = status.st_uid;
    found.gid = status.st_gid;
    found.mode = status.st_mode & 07777U;
    return found;
}

void MemoryFileSystem::stamp(Inode& inode) const {
    inode.attributes.modified = clock_.now();
    if (!inode.memory.valid()) return;
    const timespec times[2] = {{0, UTIME_OMIT}, inode.attributes.modified.to_timespec()};
    if (::futimens(inode.memory.get(), times) != 0) throw std::runtime_error("a memory file's time cannot be set");
}

Result<kernel::FileStatus> MemoryFileSystem::status(int file) const {
    return call(Effect::Reads, [&]() -> Result<kernel::FileStatus> { return status_of(*TRY(open_inode(file))); });
}

Result<std::string> MemoryFileSystem::read_all(int file, Bytes limit) const {
    return call(Effect::Reads, [&]() -> Result<std::string> {
        const auto size = status_of(*TRY(open_inode(file, FileType::Regular))).size;
        if (size > limit) return fail(Errc::TooLarge, "a file of " + std::to_string(size.count) + " bytes");
        std::string data(size.count, '\0');
        if (::pread(file, data.data(), data.size(), 0) != static_cast<ssize_t>(data.size())) return fail_errno(EIO, "a memory file");
        return data;
    });
}

Result<> MemoryFileSystem::write_all(int file, std::string_view data) {
    return call(Effect::TakesSpace, [&]() -> Result<> {
        auto* inode = TRY(open_inode(file, FileType::Regular));
        while (!data.empty()) {
            const auto written = ::write(file, data.data(), data.size());
            if (written < 0) return fail_errno(errno, "a write");
            data.remove_prefix(static_cast<std::size_t>(written));
        }
        stamp(*inode);
        return {};
    });
}

Result<> MemoryFileSystem::set_size(int file, Bytes size) {
    return call(Effect::Changes, [&]() -> Result<> {
        auto* inode = TRY(open_inode(file, FileType::Regular));
        if (::ftruncate(file, static_cast<off_t>(size.count)) != 0) return fail_errno(errno, "a size of " + std::to_string(size.count));
        stamp(*inode);
        return {};
    });
}

Result<> MemoryFileSystem::set_modified(int file, base::Timestamp time) {
    return call(Effect::Changes, [&]() -> Result<> {
        const auto* inode = TRY(open_inode(file));
        const timespec times[2] = {{0, UTIME_OMIT}, time.to_timespec()};
        if (::futimens(inode->memory.get(), times) != 0) return fail_errno(errno, "a time");
        journal_.add(TimeChanged{inode->number, time});
        return {};
    });
}

Result<> MemoryFileSystem::take_ownership(int file) {
    return call(Effect::Changes, [&]() -> Result<> {
        const auto* inode = TRY(open_inode(file));
        if (::fchown(inode->memory.get(), ::geteuid(), ::getegid()) != 0 || ::fchmod(inode->memory.get(), 0600) != 0)
            return fail_errno(errno, "an owner");
        return {};
    });
}

// ---- durability

Result<> MemoryFileSystem::sync_data(int file) {
    return call(Effect::SyncsFile, [&]() -> Result<> {
        auto* inode = TRY(open_inode(file, FileType::Regular));
        disk_.change(inode->number, [&](DiskInode& saved) { saved.content = data_of(*inode).content; });
        return {};
    });
}

Effect MemoryFileSystem::effect_of_sync(int file) const {
    const std::lock_guard lock(mutex_);
    return open_inode(file, FileType::Directory) ? Effect::SyncsDirectory : Effect::SyncsFile;
}

Result<> MemoryFileSystem::sync(int file) {
    return call(effect_of_sync(file), [&]() -> Result<> {
        const auto* inode = TRY(open_inode(file));
        if (inode->type == FileType::Directory)
            journal_.sync_directory(disk_, inode->number);
        else
            journal_.sync_file(disk_, inode->number);
        disk_.change(inode->number, [&](DiskInode& saved) {
            auto now = data_of(*inode);
            saved.content = std::move(now.content);
            saved.attributes = now.attributes;
        });
        return {};
    });
}

// ---- marks

Result<std::optional<std::string>> MemoryFileSystem::mark(int file, const std::string& key) const {
    return call(Effect::Reads, [&]() -> Result<std::optional<std::string>> {
        const auto* inode = TRY(open_inode(file));
        const auto found = inode->marks.find(key);
        if (found == inode->marks.end()) return std::nullopt;
        return found->second;
    });
}

Result<> MemoryFileSystem::set_mark(int file, const std::string& key, const std::string& value) {
    return call(Effect::TakesSpace, [&]() -> Result<> {
        auto* inode = TRY(open_inode(file));
        if (!marks_) return fail(Errc::Unsupported, "this file system has no extended attributes");
        inode->marks[key] = value;
        journal_.add(MarkChanged{inode->number, key, value});
        return {};
    });
}

Result<> MemoryFileSystem::remove_mark(int file, const std::string& key) {
    return call(Effect::Changes, [&]() -> Result<> {
        auto* inode = TRY(open_inode(file));
        if (inode->marks.erase(key) != 0) journal_.add(MarkChanged{inode->number, key, std::nullopt});
        return {};
    });
}

// ---- copies

Result<> MemoryFileSystem::clone(int from, int to) { return clone_range(from, {0}, to, {0}, {0}); }

Result<> MemoryFileSystem::clone_range(int from, Bytes from_offset, int to, Bytes to_offset, Bytes length) {
    return call(Effect::TakesSpace, [&]() -> Result<> {
        auto* target = TRY(open_inode(to, FileType::Regular));
        if (!writable(to) || !reflinks_) return fail(Errc::Unsupported, "this file system has no reflinks");
        const auto found = open_inode(from, FileType::Regular);
        if (!found) return fail(Errc::Unsupported, "what is cloned is a device, or of another file system");  // EINVAL, EXDEV
        const auto* source = *found;
        const auto end = status_of(*source).size.count;
        if (from_offset.count > end || length.count > end - from_offset.count)
            return fail(Errc::Unsupported, "the range ends beyond the file");
        const auto count = length.count == 0 ? end - from_offset.count : length.count;
        const bool to_the_end = from_offset.count + count == end && to_offset.count + count >= status_of(*target).size.count;
        if (from_offset.count % block != 0 || to_offset.count % block != 0 || (count % block != 0 && !to_the_end))
            return fail(Errc::Unsupported, "the range is not aligned");
        if (count == 0) return {};
        if (status_of(*target).size.count < to_offset.count + count && ::ftruncate(to, static_cast<off_t>(to_offset.count + count)) != 0)
            return fail_errno(errno, "a clone");
        if (::fallocate(to, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(to_offset.count), static_cast<off_t>(count)) !=
            0)
            return fail_errno(errno, "a clone");
        const auto content = Content::of(from);
        for (const auto& extent : content->extents) {
            const auto begin = std::max(extent.offset, from_offset.count);
            const auto stop = std::min(extent.offset + extent.data.size(), from_offset.count + count);
            if (begin >= stop) continue;
            TRY(write_at(to, to_offset.count + begin - from_offset.count,
                         std::string_view(extent.data).substr(begin - extent.offset, stop - begin)));
        }
        stamp(*target);
        return {};
    });
}

Result<> MemoryFileSystem::copy_sparse(int from, int to) {
    return call(Effect::TakesSpace, [&]() -> Result<> {
        auto* target = TRY(open_inode(to, FileType::Regular));
        TRY(writable(to));
        Content::of(from)->put(to);
        stamp(*target);
        return {};
    });
}

namespace {

// The blocks in which the file has data.
void add_blocks(const Content& content, std::uint64_t size, std::set<std::uint64_t>& blocks) {
    for (const auto& extent : content.extents)
        for (auto at = extent.offset / size * size; at < extent.offset + extent.data.size(); at += size) blocks.insert(at);
}

std::string block_at(int file, std::uint64_t at, std::uint64_t size) {
    std::string text(size, '\0');
    (void)!::pread(file, text.data(), text.size(), static_cast<off_t>(at));  // behind the end: zeros
    return text;
}

}  // namespace

Result<base::Extents> MemoryFileSystem::differing(int one, int other) const {
    return call(Effect::Reads, [&]() -> Result<base::Extents> {
        if (!reflinks_) return fail(Errc::Unsupported, "this file system tells nothing of extents");
        for (const int file : {one, other}) (void)TRY(open_inode(file, FileType::Regular));
        std::set<std::uint64_t> blocks;
        for (const int file : {one, other}) add_blocks(*Content::of(file), block, blocks);
        base::Extents found;
        for (const auto at : blocks)
            if (block_at(one, at, block) != block_at(other, at, block)) base::append(found, {{at}, {block}});
        return found;
    });
}

Result<Bytes> MemoryFileSystem::exclusive(int file) const {
    return call(Effect::Reads, [&]() -> Result<Bytes> { return status_of(*TRY(open_inode(file))).allocated; });
}

}  // namespace varve::fakes
