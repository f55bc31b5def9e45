// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/memory_disk.h"

#include "drivers/api/overloaded.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace varve::fakes {
namespace {

void mix(std::size_t& digest, std::size_t value) { digest ^= value + 0x9e3779b97f4a7c15ULL + (digest << 6) + (digest >> 2); }

void mix(std::size_t& digest, const std::string& text) { mix(digest, std::hash<std::string>{}(text)); }

void commit(Disk& disk, const Transaction& transaction) {
    std::visit(api::Overloaded{
                   [&](const NamesChanged& changed) {
                       for (const auto& change : changed.names)
                           disk.change(change.directory, [&](DiskInode& directory) {
                               directory.attributes.modified = changed.modified;
                               if (change.inode)
                                   directory.entries[change.name] = *change.inode;
                               else
                                   directory.entries.erase(change.name);
                           });
                   },
                   [&](const MarkChanged& changed) {
                       disk.change(changed.inode, [&](DiskInode& inode) {
                           if (changed.value)
                               inode.marks[changed.key] = *changed.value;
                           else
                               inode.marks.erase(changed.key);
                       });
                   },
                   [&](const TimeChanged& changed) {
                       disk.change(changed.inode, [&](DiskInode& inode) { inode.attributes.modified = changed.modified; });
                   },
               },
               transaction);
}

// Applies to the disk, in their order, the transactions that `wanted` picks; asked from the latest to the first, since a later one may need
// earlier ones.
template <class Wanted>
void flush(std::vector<Transaction>& pending, Disk& disk, Wanted wanted) {
    std::vector<bool> picked(pending.size());
    for (auto i = pending.size(); i-- > 0;) picked[i] = wanted(pending[i]);
    std::vector<Transaction> rest;
    for (std::size_t i = 0; i < pending.size(); ++i) {
        if (picked[i])
            commit(disk, pending[i]);
        else
            rest.push_back(std::move(pending[i]));
    }
    pending = std::move(rest);
}

std::string read_at(int fd, off_t offset, std::size_t length) {
    std::string data(length, '\0');
    for (std::size_t done = 0; done < length;) {
        const auto got = ::pread(fd, data.data() + done, length - done, offset + static_cast<off_t>(done));
        if (got <= 0) throw std::runtime_error("a memory file cannot be read");
        done += static_cast<std::size_t>(got);
    }
    return data;
}

}  // namespace

std::shared_ptr<const Content> Content::of(int fd) {
    auto content = std::make_shared<Content>();
    struct stat status {};
    if (::fstat(fd, &status) != 0) throw std::runtime_error("a memory file cannot be looked at");
    content->size = static_cast<std::uint64_t>(status.st_size);
    mix(content->digest, content->size);
    for (off_t at = 0; at < status.st_size;) {
        const auto data = ::lseek(fd, at, SEEK_DATA);
        if (data < 0) break;
        const auto hole = ::lseek(fd, data, SEEK_HOLE);
        content->extents.push_back({static_cast<std::uint64_t>(data), read_at(fd, data, static_cast<std::size_t>(hole - data))});
        mix(content->digest, static_cast<std::size_t>(data));
        mix(content->digest, content->extents.back().data);
        at = hole;
    }
    return content;
}

void Content::put(int fd) const {
    if (::ftruncate(fd, 0) != 0 || ::ftruncate(fd, static_cast<off_t>(size)) != 0)
        throw std::runtime_error("a memory file cannot be resized");
    for (const auto& extent : extents)
        if (::pwrite(fd, extent.data.data(), extent.data.size(), static_cast<off_t>(extent.offset)) !=
            static_cast<ssize_t>(extent.data.size()))
            throw std::runtime_error("a memory file cannot be written");
}

std::set<InodeNumber> Disk::reachable() const {
    std::set<InodeNumber> found{top};
    std::vector<InodeNumber> open{top};
    while (!open.empty()) {
        const auto directory = open.back();
        open.pop_back();
        for (const auto& [name, inode] : at(directory).entries)
            if (found.insert(inode).second) open.push_back(inode);
    }
    return found;
}

std::size_t Disk::digest(const std::function<std::string(const std::string&)>& canonical) const {
    std::size_t digest = 0;
    std::map<InodeNumber, std::size_t> order{{top, 0}};  // of the first visit: hard links are told apart, numbers are not
    std::vector<InodeNumber> open{top};
    while (!open.empty()) {
        const auto& inode = at(open.back());
        open.pop_back();
        mix(digest, static_cast<std::size_t>(inode.type));
        mix(digest, inode.attributes.mode);
        mix(digest, inode.attributes.uid);
        mix(digest, inode.attributes.gid);
        if (inode.type != kernel::FileType::Directory) {
            mix(digest, static_cast<std::size_t>(inode.attributes.modified.seconds));
            mix(digest, inode.attributes.modified.nanoseconds);
        }
        if (inode.content) mix(digest, inode.content->digest);
        for (const auto& [key, value] : inode.marks) {
            mix(digest, key);
            mix(digest, value);
        }
        for (const auto& [name, entry] : inode.entries) {
            const auto [visited, first] = order.emplace(entry, order.size());
            if (first) open.push_back(entry);
            mix(digest, canonical(name));
            mix(digest, visited->second);
        }
    }
    return digest;
}

void Journal::add(Transaction transaction) { pending_.push_back(std::move(transaction)); }

void Journal::apply_prefix(Disk& disk, std::size_t count) const {
    for (std::size_t i = 0; i < std::min(count, pending_.size()); ++i) commit(disk, pending_[i]);
}

std::set<InodeNumber> Journal::times_after(std::size_t count) const {
    std::set<InodeNumber> inodes;
    for (auto i = count; i < pending_.size(); ++i)
        if (const auto* time = std::get_if<TimeChanged>(&pending_[i])) inodes.insert(time->inode);
    return inodes;
}

void Journal::apply(Disk& disk, std::size_t index) const { commit(disk, pending_.at(index)); }

void Journal::sync_directory(Disk& disk, InodeNumber directory) {
    std::set<InodeNumber> directories{directory};
    flush(pending_, disk, [&](const Transaction& transaction) {
        const auto* changed = std::get_if<NamesChanged>(&transaction);
        if (changed == nullptr) return false;
        const auto touches = [&](const NameChange& change) { return directories.contains(change.directory); };
        if (std::none_of(changed->names.begin(), changed->names.end(), touches)) return false;
        for (const auto& change : changed->names) directories.insert(change.directory);
        return true;
    });
    std::set<InodeNumber> named;
    for (const auto& [name, inode] : disk.at(directory).entries) named.insert(inode);
    flush(pending_, disk, [&](const Transaction& transaction) {
        const auto* mark = std::get_if<MarkChanged>(&transaction);
        return mark != nullptr && named.contains(mark->inode);
    });
}

void Journal::sync_file(Disk& disk, InodeNumber file) {
    flush(pending_, disk, [&](const Transaction& transaction) {
        if (const auto* mark = std::get_if<MarkChanged>(&transaction)) return mark->inode == file;
        const auto* time = std::get_if<TimeChanged>(&transaction);
        return time != nullptr && time->inode == file;
    });
}

}  // namespace varve::fakes
