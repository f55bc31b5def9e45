// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/server.h"

#include "fs/control/errno_map.h"
#include "fs/fuse/attributes.h"
#include "fs/fuse/read_ahead.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <exception>
#include <utility>

namespace varve::fuse {
namespace {

// Calls the method on the session's Server. An exception here is a bug or a lack of memory: the one request fails, the mount lives on.
template <auto Method, class... Arguments>
void call(fuse_req_t request, Arguments... arguments) {
    auto& server = *static_cast<Server*>(fuse_req_userdata(request));
    try {
        (server.*Method)(request, arguments...);
    } catch (const std::exception& error) {
        spdlog::critical("a request failed with an exception: {}", error.what());
        (void)fuse_reply_err(request, EIO);  // nobody to tell when the kernel has gone
    }
}

}  // namespace

const fuse_lowlevel_ops& Server::operations() {
    static const fuse_lowlevel_ops table = [] {
        fuse_lowlevel_ops ops{};
        ops.init = [](void* userdata, fuse_conn_info* connection) { static_cast<Server*>(userdata)->init(connection); };
        ops.lookup = call<&Server::lookup, fuse_ino_t, const char*>;
        ops.forget = call<&Server::forget, fuse_ino_t, std::uint64_t>;
        ops.forget_multi = call<&Server::forget_multi, std::size_t, fuse_forget_data*>;
        ops.readlink = call<&Server::readlink, fuse_ino_t>;
        ops.statfs = call<&Server::statfs, fuse_ino_t>;
        ops.opendir = call<&Server::opendir, fuse_ino_t, fuse_file_info*>;
        ops.readdir = call<&Server::readdir, fuse_ino_t, std::size_t, off_t, fuse_file_info*>;
        ops.readdirplus = call<&Server::readdirplus, fuse_ino_t, std::size_t, off_t, fuse_file_info*>;
        ops.releasedir = call<&Server::releasedir, fuse_ino_t, fuse_file_info*>;
        ops.getattr = call<&Server::getattr, fuse_ino_t, fuse_file_info*>;
        ops.setattr = call<&Server::setattr, fuse_ino_t, struct stat*, int, fuse_file_info*>;
        ops.open = call<&Server::open, fuse_ino_t, fuse_file_info*>;
        ops.create = call<&Server::create, fuse_ino_t, const char*, mode_t, fuse_file_info*>;
        ops.flush = call<&Server::flush, fuse_ino_t, fuse_file_info*>;
        ops.release = call<&Server::release, fuse_ino_t, fuse_file_info*>;
        ops.read = call<&Server::read, fuse_ino_t, std::size_t, off_t, fuse_file_info*>;
        ops.write = call<&Server::write, fuse_ino_t, const char*, std::size_t, off_t, fuse_file_info*>;
        ops.fsync = call<&Server::fsync, fuse_ino_t, int, fuse_file_info*>;
        ops.fallocate = call<&Server::fallocate, fuse_ino_t, int, off_t, off_t, fuse_file_info*>;
        ops.lseek = call<&Server::lseek, fuse_ino_t, off_t, int, fuse_file_info*>;
        ops.copy_file_range =
            call<&Server::copy_file_range, fuse_ino_t, off_t, fuse_file_info*, fuse_ino_t, off_t, fuse_file_info*, std::size_t, int>;
        ops.poll = call<&Server::poll, fuse_ino_t, fuse_file_info*, fuse_pollhandle*>;
        ops.mknod = call<&Server::mknod, fuse_ino_t, const char*, mode_t, dev_t>;
        ops.mkdir = call<&Server::mkdir, fuse_ino_t, const char*, mode_t>;
        ops.unlink = call<&Server::unlink, fuse_ino_t, const char*>;
        ops.rmdir = call<&Server::rmdir, fuse_ino_t, const char*>;
        ops.symlink = [](fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
            call<&Server::symlink, const char*, fuse_ino_t, const char*>(request, target, parent, name);
        };
        ops.link = call<&Server::link, fuse_ino_t, fuse_ino_t, const char*>;
        ops.rename = call<&Server::rename, fuse_ino_t, const char*, fuse_ino_t, const char*, unsigned int>;
        // No xattr operations: libfuse then answers ENOSYS, which the kernel turns into ENOTSUP and does not ask again.
        return ops;
    }();
    return table;
}

void Server::init(fuse_conn_info* connection) {
    // Linux 6.6: a write past the page cache drops the pages that others had read of its range.
    constexpr unsigned int first_minor_with_coherent_direct_writes = 39;
    const auto want = [&](unsigned int capability) { connection->want |= connection->capable & capability; };
    want(FUSE_CAP_ATOMIC_O_TRUNC);  // else O_TRUNC would come as a SETATTR that looks like truncate(2)
    want(FUSE_CAP_READDIRPLUS);
    want(FUSE_CAP_READDIRPLUS_AUTO);
    want(FUSE_CAP_PARALLEL_DIROPS);  // see InitExchange
    want(FUSE_CAP_ASYNC_READ);
    // Never the write-back cache: the kernel would own size and mtime, and a failed write would have no writer to tell.
    connection->want &=
        ~static_cast<unsigned int>(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    with_.notifier.set_protocol_minor(connection->proto_minor);
    direct_writes_ = connection->proto_minor >= first_minor_with_coherent_direct_writes;
    connection->max_write = 1U << 20;
    connection->max_background = 64;
    connection->time_gran = 1;
    with_.negotiation.init(*connection);
}

void Server::begin(const std::filesystem::path& mountpoint) {
    with_.passthrough.begin(with_.negotiation.refusal());
    if (mountpoint.empty()) return;
    // For what does not go by passthrough: at the default of 128 KiB a reader waits for us four times as often.
    constexpr base::Bytes read_ahead{1U << 20};
    if (const auto set = set_read_ahead(mountpoint, read_ahead); !set)
        with_.log.warn("reading through varvefs will be slow: {}", set.error().message());
}

// ---- replies

engine::Writer Server::writer(fuse_req_t request) const {
    const auto thread = fuse_req_ctx(request)->pid;
    return {thread, with_.processes.process_of(thread)};
}

base::Result<NodePtr> Server::node(fuse_ino_t id) const {
    auto known = with_.nodes.get(id);
    if (!known) return base::fail_errno(ESTALE, "the kernel asked for a node that it has forgotten");
    return known;
}

void Server::remember_failure(fuse_req_t request, const Operation& operation, const base::Error& error) const {
    const auto* context = fuse_req_ctx(request);
    with_.failures.add(
        {with_.clock.now(), with_.processes.process_of(context->pid), context->uid, std::string(operation.name), operation.path, error});
}

void Server::refuse(fuse_req_t request, const Operation& operation, const base::Error& error) const {
    remember_failure(request, operation, error);
    (void)fuse_reply_err(request, control::errno_of(error));  // nobody to tell when the kernel has gone
}

void Server::done(fuse_req_t request, const Operation& operation, const base::Result<>& result) const {
    if (!result) return refuse(request, operation, result.error());
    (void)fuse_reply_err(request, 0);
}

std::string Server::path_in(const Node& parent, std::string_view name) {
    const auto directory = path_of(parent);
    return directory.empty() ? std::string(name) : directory + "/" + std::string(name);
}

// What nodes do not know of themselves: how long `events` is by now.
base::Result<struct stat> Server::attributes(const Node& node) const {
    auto found = TRY(attributes_of(node));
    if (const auto* file = std::get_if<ControlFile>(&node); file != nullptr && file->entry.type == control::EntryType::Stream) {
        found.st_size = static_cast<off_t>(with_.events.end());
        const auto changed = with_.events.changed();
        found.st_mtim = found.st_ctim = {changed.seconds, changed.nanoseconds};
    }
    return found;
}

base::Result<fuse_entry_param> Server::entry_for(const Found& found) const {
    fuse_entry_param entry{};
    entry.attr = TRY(attributes(found.node));
    entry.ino = with_.nodes.look_up(found.node);
    entry.generation = 0;  // a number never stands for something else
    entry.attr_timeout = found.cacheable ? cached_seconds : 0;
    entry.entry_timeout = found.cacheable && with_.notifier.names_cacheable() ? cached_seconds : 0;
    return entry;
}

void Server::reply_entry(fuse_req_t request, const Operation& operation, const Node& parent, std::string_view name) const {
    const auto found = tree_.look_up(parent, name, 0);
    const auto entry = found ? entry_for(*found) : base::Result<fuse_entry_param>(base::Failure(found.error()));
    if (!entry) return refuse(request, operation, entry.error());
    if (fuse_reply_entry(request, &*entry) != 0) with_.nodes.forget(entry->ino, 1);
}

}  // namespace varve::fuse
