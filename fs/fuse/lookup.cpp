// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/overloaded.h"
#include "fs/control/errno_map.h"
#include "fs/fuse/pool_of.h"
#include "fs/fuse/server.h"
#include "fs/paths/link_target.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <climits>
#include <cstring>

namespace varve::fuse {

void Server::lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    // A name that is missing is asked for all the time: that is not worth a line in `.varve/errors`.
    const auto fail = [&](const base::Error& error) { (void)fuse_reply_err(request, control::errno_of(error)); };
    if (std::strlen(name) > NAME_MAX) return (void)fuse_reply_err(request, ENAMETOOLONG);
    const auto directory = node(parent);
    if (!directory) return fail(directory.error());
    const auto found = tree_.look_up(**directory, name, fuse_req_ctx(request)->pid);
    if (!found) return fail(found.error());
    const auto entry = entry_for(*found);
    if (!entry) return fail(entry.error());
    if (fuse_reply_entry(request, &*entry) != 0) with_.nodes.forget(entry->ino, 1);
}

void Server::forget(fuse_req_t request, fuse_ino_t id, std::uint64_t lookups) {
    with_.nodes.forget(id, lookups);
    fuse_reply_none(request);
}

void Server::forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
    for (std::size_t i = 0; i < count; ++i) with_.nodes.forget(forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(request);
}

void Server::readlink(fuse_req_t request, fuse_ino_t id) {
    const auto what = node(id);
    if (!what) return refuse(request, {"readlink", ""}, what.error());
    const auto target = std::visit(
        api::Overloaded{
            [](const SourceLink& link) -> base::Result<std::string> {
                const auto view = link.volume.view();
                const auto* source = view ? api::source_of(view->config.kind) : nullptr;
                if (source == nullptr) return base::fail(base::Errc::NotFound, "the snapshot volume is gone");
                return paths::link_target(*source);
            },
            [](const VmsLink& link) -> base::Result<std::string> { return link.target; },
            [](const Scratch& scratch) -> base::Result<std::string> {
                if (const auto* link = scratch.file->link()) return link->target;
                return base::fail(base::Errc::InvalidArgument, "it is no symbolic link");
            },
            [this](const ControlFile& file) { return with_.control.link(file.place, file.entry.name); },
            [](const auto&) -> base::Result<std::string> { return base::fail(base::Errc::InvalidArgument, "it is no symbolic link"); },
        },
        **what);
    if (!target) return refuse(request, {"readlink", path_of(**what)}, target.error());
    (void)fuse_reply_readlink(request, target->c_str());  // nobody to tell when the kernel has gone
}

void Server::statfs(fuse_req_t request, fuse_ino_t id) {
    const auto what = node(id);
    if (!what) return refuse(request, {"statfs", ""}, what.error());
    struct statvfs answer {};
    constexpr unsigned long block = 4096;
    answer.f_bsize = block;
    answer.f_frsize = block;
    answer.f_namemax = NAME_MAX;
    std::vector<std::shared_ptr<engine::OpenPool>> all;
    const auto* const own = pool_of(**what);
    if (own == nullptr) all = with_.catalogue.pools();
    const auto add = [&](const engine::OpenPool& pool) {
        const auto space = pool.driver().space();
        if (!space) return;  // a pool whose storage has vanished has no room
        answer.f_blocks += space->size.count / block;
        answer.f_bfree += (space->size - space->used).count / block;
        answer.f_bavail += space->available.count / block;
    };
    if (own != nullptr) add(*own);
    for (const auto& pool : all) add(*pool);
    (void)fuse_reply_statfs(request, &answer);
}

}  // namespace varve::fuse
