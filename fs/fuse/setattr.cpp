// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/overloaded.h"
#include "fs/fuse/attributes.h"
#include "fs/fuse/server.h"

namespace varve::fuse {

using base::Errc;
using base::fail;
using base::Result;

namespace {

// Whose attributes change only by what the kernel is told of or asks for itself. The root has no look-up that would carry its attributes,
// and every path begins with it.
bool attributes_last(const Node& node) {
    return std::visit(api::Overloaded{
                          [](const RootDir&) { return true; },
                          [](const PoolsDir&) { return true; },
                          [](const PoolDir&) { return true; },
                          [](const VmDir&) { return true; },
                          [](const VmsDir&) { return true; },
                          [](const VmsVmDir&) { return true; },
                          [](const StateFile&) { return true; },
                          [](const auto&) { return false; },
                      },
                      node);
}

}  // namespace

void Server::getattr(fuse_req_t request, fuse_ino_t id, fuse_file_info*) {
    const auto what = node(id);
    if (!what) return (void)fuse_reply_err(request, ESTALE);
    const auto found = attributes(**what);
    if (!found) return refuse(request, {"stat", path_of(**what)}, found.error());
    (void)fuse_reply_attr(request, &*found, attributes_last(**what) ? cached_seconds : 0);
}

// A VM directory's owner and mode are stored and apply to all in it.
Result<> Server::set_owner(const engine::VmPtr& vm, const struct stat& wanted, int which) {
    auto ownership = vm->view()->ownership;
    constexpr mode_t permissions = 07777;
    if ((which & FUSE_SET_ATTR_MODE) != 0) ownership.mode = wanted.st_mode & permissions;
    if ((which & FUSE_SET_ATTR_UID) != 0) ownership.uid = wanted.st_uid;
    if ((which & FUSE_SET_ATTR_GID) != 0) ownership.gid = wanted.st_gid;
    if (ownership == vm->view()->ownership) return {};
    TRY(with_.volumes.set_ownership(vm, ownership));
    const auto inside = with_.nodes.select([&](const Node& node) {
        if (const auto* file = std::get_if<StateFile>(&node)) return file->volume.vm == vm;
        return false;
    });
    for (const auto& [id, node] : inside) with_.notifier.forget_attributes(id);
    return {};
}

Result<> Server::set_file_size(const Node& node, base::Bytes size) {
    return std::visit(api::Overloaded{
                          [&](const StateFile& file) -> Result<> {
                              const auto shown = find_shown(file.volume, file.state);
                              if (!shown || shown->revision != nullptr)
                                  return fail(Errc::ReadOnly, path_of(node) + " (a revision) is read-only");
                              if (shown->view->session)
                                  return fail(Errc::Busy,
                                              file.volume.path().str() + " is started or dirty; a running volume grows by `varve resize`");
                              if (size == shown->state().size) return {};
                              return with_.volumes.resize(file.volume, size);
                          },
                          [&](const TransactionFile& file) { return file.transaction->set_size(size); },
                          [&](const Scratch& scratch) -> Result<> {
                              if (auto* image = scratch.file->image()) return image->storage().set_size(size);
                              return fail(Errc::InvalidArgument, "a symbolic link has no size to set");
                          },
                          [&](const EmptyFile&) -> Result<> {
                              if (size.count == 0) return {};
                              return fail(Errc::InvalidArgument,
                                          "a volatile volume's file is empty; its size is set through .varve/<volume>/ctl (varve resize)");
                          },
                          [&](const LayerlessFile& file) -> Result<> {
                              return fail(Errc::Busy, file.volume.path().str() + " cannot be resized by truncate while its VM runs");
                          },
                          [&](const ControlFile& file) -> Result<> {  // `echo value > file` truncates first
                              if (file.entry.type == control::EntryType::WritableValue || file.entry.type == control::EntryType::Command)
                                  return {};
                              return fail(Errc::ReadOnly, path_of(node) + " is read-only");
                          },
                          [&](const auto&) -> Result<> { return fail(Errc::ReadOnly, path_of(node) + " is read-only"); },
                      },
                      node);
}

Result<> Server::set_file_time(const Node& node, base::Timestamp time) {
    return std::visit(
        api::Overloaded{
            [&](const StateFile& file) -> Result<> {
                const auto shown = find_shown(file.volume, file.state);
                if (!shown) return fail(Errc::NotFound, "the state is gone");
                if (shown->revision == nullptr) return with_.volumes.set_time(file.volume, std::nullopt, time);
                const auto* timed = shown->revision->id.timed();
                if (timed != nullptr && timed->seconds != time.seconds)
                    return fail(Errc::ReadOnly, path_of(node) + " is named by its time, which cannot be changed");
                return with_.volumes.set_time(file.volume, shown->revision->id, time);
            },
            [&](const TransactionFile& file) { return file.transaction->set_time(time); },
            [&](const Scratch& scratch) -> Result<> {
                if (auto* image = scratch.file->image()) return image->storage().set_modified(time);
                return {};  // a link's time is its volume's creation
            },
            // Accepted and not kept, so that cp -a, rsync -a and tar end well: these paths have no state whose time it could be.
            [&](const SourceLink&) -> Result<> { return {}; },
            [&](const EmptyFile&) -> Result<> { return {}; },
            [&](const VmDir&) -> Result<> { return {}; },
            [&](const ControlFile&) -> Result<> { return {}; },
            [&](const auto&) -> Result<> { return fail(Errc::Denied, path_of(node) + " keeps its time"); },
        },
        node);
}

Result<> Server::apply_attributes(const Node& node, const struct stat& wanted, int which) {
    constexpr int owner = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
    if ((which & owner) != 0) {
        if (const auto* dir = std::get_if<VmDir>(&node))
            TRY(set_owner(dir->vm, wanted, which));
        else if (type_of(node) == S_IFDIR)
            return fail(Errc::Denied, path_of(node) + " has its owner and mode from the configuration");
        // On files they succeed and change nothing: owner and mode are the directory's.
    }
    if ((which & FUSE_SET_ATTR_SIZE) != 0) TRY(set_file_size(node, {static_cast<std::uint64_t>(wanted.st_size)}));
    if ((which & FUSE_SET_ATTR_MTIME_NOW) != 0)
        TRY(set_file_time(node, with_.clock.now()));
    else if ((which & FUSE_SET_ATTR_MTIME) != 0)
        TRY(set_file_time(node, base::Timestamp::from(wanted.st_mtim)));
    return {};
}

void Server::setattr(fuse_req_t request, fuse_ino_t id, struct stat* wanted, int which, fuse_file_info*) {
    auto what = node(id);
    if (!what) return (void)fuse_reply_err(request, ESTALE);
    const Operation operation{(which & FUSE_SET_ATTR_SIZE) != 0 ? "truncate" : "setattr", path_of(**what)};
    if (const auto applied = apply_attributes(**what, *wanted, which); !applied) return refuse(request, operation, applied.error());
    // A resize made another state: what the caller sees is that one, until the kernel has looked the path up again.
    if (const auto* file = std::get_if<StateFile>(&**what); file != nullptr && (which & FUSE_SET_ATTR_SIZE) != 0)
        if (const auto view = file->volume.view(); view && view->committed)
            what = std::make_shared<const Node>(StateFile{file->volume, *view->committed});
    const auto found = attributes(**what);
    if (!found) return refuse(request, operation, found.error());
    (void)fuse_reply_attr(request, &*found, 0);
}

}  // namespace varve::fuse
