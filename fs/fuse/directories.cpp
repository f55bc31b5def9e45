// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/attributes.h"
#include "fs/fuse/server.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace varve::fuse {
namespace {

DirectoryHandle& directory_of(const fuse_file_info& info) {
    return *reinterpret_cast<DirectoryHandle*>(info.fh);
}  // NOLINT: made in opendir

// The kernel asks for no more, and nobody shall make us set aside what they like.
constexpr std::size_t largest_listing = 1U << 20;
constexpr std::size_t dots = 2;  // "." and ".."

}  // namespace

void Server::opendir(fuse_req_t request, fuse_ino_t id, fuse_file_info* info) {
    const auto directory = node(id);
    if (!directory) return refuse(request, {"opendir", ""}, directory.error());
    auto entries = tree_.list(**directory);
    if (!entries) return refuse(request, {"opendir", path_of(**directory)}, entries.error());
    entries->insert(entries->begin(), {{".", S_IFDIR, inode_number(path_of(**directory))}, {"..", S_IFDIR, 1}});
    auto handle = std::make_unique<DirectoryHandle>(DirectoryHandle{*directory, *std::move(entries)});
    info->fh = reinterpret_cast<std::uint64_t>(handle.get());
    if (fuse_reply_open(request, info) == 0) (void)handle.release();  // releasedir deletes it
}

void Server::readdir(fuse_req_t request, fuse_ino_t, std::size_t wanted, off_t offset, fuse_file_info* info) {
    const auto size = std::min(wanted, largest_listing);
    const auto& entries = directory_of(*info).entries;
    std::vector<char> buffer(size);
    std::size_t used = 0;
    for (auto next = static_cast<std::size_t>(offset); next < entries.size(); ++next) {
        struct stat brief {};
        brief.st_ino = entries[next].number;
        brief.st_mode = entries[next].type;
        const auto length =
            fuse_add_direntry(request, buffer.data() + used, size - used, entries[next].name.c_str(), &brief, static_cast<off_t>(next + 1));
        if (length > size - used) break;
        used += length;
    }
    (void)fuse_reply_buf(request, buffer.data(), used);
}

void Server::readdirplus(fuse_req_t request, fuse_ino_t, std::size_t wanted, off_t offset, fuse_file_info* info) {
    const auto size = std::min(wanted, largest_listing);
    const auto& handle = directory_of(*info);
    std::vector<char> buffer(size);
    std::vector<NodeId> counted;
    std::size_t used = 0;
    for (auto next = static_cast<std::size_t>(offset); next < handle.entries.size(); ++next) {
        const auto& listed = handle.entries[next];
        fuse_entry_param entry{};
        entry.attr.st_ino = listed.number;
        entry.attr.st_mode = listed.type;
        const auto needed = fuse_add_direntry_plus(request, nullptr, 0, listed.name.c_str(), &entry, 0);
        if (needed > size - used) break;
        if (next >= dots) {
            const auto found = tree_.look_up(*handle.directory, listed.name, 0);
            const auto full = found ? entry_for(*found) : base::Result<fuse_entry_param>(base::Failure(found.error()));
            if (!full) continue;  // gone since opendir
            entry = *full;
            counted.push_back(entry.ino);
        }
        used +=
            fuse_add_direntry_plus(request, buffer.data() + used, size - used, listed.name.c_str(), &entry, static_cast<off_t>(next + 1));
    }
    if (fuse_reply_buf(request, buffer.data(), used) != 0)
        for (const auto id : counted) with_.nodes.forget(id, 1);
}

void Server::releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    const std::unique_ptr<DirectoryHandle> handle(&directory_of(*info));
    (void)fuse_reply_err(request, 0);
}

}  // namespace varve::fuse
