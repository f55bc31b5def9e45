// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/overloaded.h"
#include "fs/engine/find_state.h"
#include "fs/fuse/attributes.h"
#include "fs/fuse/server.h"
#include "fs/paths/entry_name.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <utility>

namespace varve::fuse {

using base::Errc;
using base::fail;
using base::Result;

namespace {

bool wants_to_write(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

Result<> read_only(int flags, std::string_view what) {
    if (!wants_to_write(flags)) return {};
    return fail(Errc::ReadOnly, std::string(what) + " is read-only");
}

// Of what the kernel may read and write itself: a file whose size is the image's, so no block device. Not a transaction: a write that fails
// must be known of.
std::optional<int> descriptor_of(const OpenFile& file) {
    std::optional<int> fd;
    if (const auto* state = std::get_if<StateHandle>(&file)) fd = state->fd.get();
    if (const auto* scratch = std::get_if<ScratchHandle>(&file)) fd = scratch->file->image()->fd();
    struct stat status {};
    if (fd && (::fstat(*fd, &status) != 0 || !S_ISREG(status.st_mode))) return std::nullopt;
    return fd;
}

}  // namespace

// A control file has the size 0. Who only writes a transaction reads nothing back: its data need not go into the kernel's pages first.
bool Server::without_page_cache(const OpenFile& file, int flags) const {
    if (std::holds_alternative<ValueHandle>(file) || std::holds_alternative<std::unique_ptr<CommandHandle>>(file) ||
        std::holds_alternative<std::unique_ptr<EventsHandle>>(file))
        return true;
    return direct_writes_ && std::holds_alternative<TransactionHandle>(file) && (flags & O_ACCMODE) == O_WRONLY;
}

Result<OpenFile> Server::open_state(const engine::VolumeRef& volume, const api::State& state, FindState find) const {
    auto fd = TRY(with_.volumes.open_state(volume, [&](const engine::VolumeView& view) -> Result<api::StateRef> {
        if (const auto found = view ? find(*view, state) : std::nullopt) return *found;
        return base::fail_errno(ESTALE, "the state is gone");
    }));
    return StateHandle{std::move(fd), state.size};
}

Result<OpenFile> Server::open_node(const Node& node, const engine::Writer& writer, uid_t user, int flags) {
    const auto writes = wants_to_write(flags);
    return std::visit(api::Overloaded{
                          [&](const StateFile& file) -> Result<OpenFile> {
                              TRY(read_only(flags, path_of(node) + " (a revision)"));
                              return open_state(file.volume, file.state, engine::find_state);
                          },
                          [&](const CurrentFile& file) -> Result<OpenFile> {
                              TRY(read_only(flags, path_of(node) + " (the source of a snapshot)"));
                              return open_state(file.volume, file.state, engine::find_state);
                          },
                          [&](const BaseFile& file) -> Result<OpenFile> {
                              TRY(read_only(flags, path_of(node)));
                              return open_state(file.volume, file.state, engine::find_base);
                          },
                          [&](const EmptyFile&) -> Result<OpenFile> { return EmptyHandle{}; },
                          [&](const LayerlessFile& file) -> Result<OpenFile> {
                              return fail(Errc::Busy,
                                          file.volume.path().str() + " has no snapshot layer (revisions_to_keep is -1) and its VM runs");
                          },
                          [&](const TransactionFile& file) -> Result<OpenFile> {
                              const auto& transaction = file.transaction;
                              if (!writes) return TransactionHandle{transaction, false};
                              if (with_.writes.open_announced(transaction, writer.thread)) return TransactionHandle{transaction, true};
                              TRY(with_.writes.open_again(transaction, writer));
                              TransactionHandle handle{transaction, true};
                              if ((flags & O_TRUNC) != 0)
                                  if (auto truncated = transaction->truncate_again(); !truncated) {
                                      (void)transaction->released();  // the truncation's failure is the one to tell
                                      return base::Failure(std::move(truncated).error());
                                  }
                              return handle;
                          },
                          [&](const Scratch& scratch) -> Result<OpenFile> {
                              auto* image = scratch.file->image();
                              if (image == nullptr) return fail(Errc::InvalidArgument, scratch.name + " is a symbolic link");
                              if (!scratch.file->opened(writes)) return base::fail_errno(ESTALE, scratch.name + " is becoming a state");
                              if ((flags & O_TRUNC) != 0 && writes)
                                  if (auto emptied = image->storage().set_size(base::Bytes{0}); !emptied) {
                                      with_.writes.scratch_released(*scratch.vm, *scratch.file, writes);
                                      return base::Failure(std::move(emptied).error());
                                  }
                              return ScratchHandle{scratch.vm, scratch.file, writes};
                          },
                          [&](const ControlFile& file) -> Result<OpenFile> {
                              using control::EntryType;
                              if (file.entry.type == EntryType::Command) {
                                  auto handle = std::make_unique<CommandHandle>();
                                  handle->place = file.place;
                                  return handle;
                              }
                              if (file.entry.type == EntryType::Stream) {
                                  TRY(read_only(flags, path_of(node)));
                                  return std::make_unique<EventsHandle>();
                              }
                              if (file.entry.type != EntryType::WritableValue) TRY(read_only(flags, path_of(node)));
                              std::string text;
                              if (!writes) text = TRY(with_.control.read(file.place, file.entry.name, user));
                              return ValueHandle{file.place, file.entry.name, std::move(text)};
                          },
                          [&](const auto&) -> Result<OpenFile> { return fail(Errc::InvalidArgument, path_of(node) + " is no file"); },
                      },
                      node);
}

void Server::reply_opened(fuse_req_t request, NodeId id, NodePtr what, OpenFile file, fuse_file_info* info,
                          const fuse_entry_param* entry) const {
    info->keep_cache = std::holds_alternative<StateHandle>(file) ? 1 : 0;  // a state's data never changes
    info->noflush = std::holds_alternative<StateHandle>(file) || std::holds_alternative<EmptyHandle>(file) ? 1 : 0;
    info->direct_io = without_page_cache(file, info->flags) ? 1 : 0;
    std::unique_ptr<Handle> handle(new Handle{id, std::move(what), std::move(file), 0});
    info->fh = reinterpret_cast<std::uint64_t>(handle.get());
    const auto fd = descriptor_of(handle->file);
    const auto backing = fd ? with_.passthrough.opened(id, *fd) : std::nullopt;
    const auto reply = [&] {
        if (backing) return reply_with_backing(request, entry, *info, *backing);
        return entry != nullptr ? fuse_reply_create(request, entry, info) : fuse_reply_open(request, info);
    };
    if (reply() == 0) {
        (void)handle.release();  // release() deletes it
        return;
    }
    // The opener was killed before the answer came: the kernel sends no release for a file it never had.
    if (fd) with_.passthrough.released(id);
    if (entry != nullptr) with_.nodes.forget(entry->ino, 1);
    if (auto* open = std::get_if<TransactionHandle>(&handle->file); open != nullptr && open->writes) (void)open->transaction->released();
    if (auto* open = std::get_if<ScratchHandle>(&handle->file)) with_.writes.scratch_released(*open->vm, *open->file, open->writes);
}

// An open for writing must not touch the inode that readers of the committed state share. ESTALE makes the kernel look the path up once more
// (Linux repeats a failed walk with LOOKUP_REVAL), and this thread's look-up is then answered with the transaction's inode.
void Server::announce_write(fuse_req_t request, const Operation& operation, const StateFile& file, int flags) {
    const auto begun = with_.writes.open(file.volume, writer(request), (flags & O_TRUNC) != 0);
    if (!begun) return refuse(request, operation, begun.error());
    (void)fuse_reply_err(request, ESTALE);
}

void Server::open(fuse_req_t request, fuse_ino_t id, fuse_file_info* info) {
    const auto what = node(id);
    if (!what) return (void)fuse_reply_err(request, ESTALE);
    const Operation operation{"open", path_of(**what)};
    if (const auto* file = std::get_if<StateFile>(&**what); file != nullptr && wants_to_write(info->flags)) {
        const auto shown = find_shown(file->volume, file->state);
        if (!shown) return (void)fuse_reply_err(request, ESTALE);  // another state has the path by now
        if (shown->revision == nullptr) return announce_write(request, operation, *file, info->flags);
    }
    auto opened = open_node(**what, writer(request), fuse_req_ctx(request)->uid, info->flags);
    if (!opened && opened.error().cause == std::error_code(ESTALE, std::generic_category())) return (void)fuse_reply_err(request, ESTALE);
    if (!opened) return refuse(request, operation, opened.error());
    reply_opened(request, id, *what, *std::move(opened), info, nullptr);
}

Result<OpenFile> Server::create_file(const engine::VmPtr& vm, std::string_view name, const engine::Writer& writer) {
    const auto entry = TRY(paths::parse_entry(name));
    const auto begin = [&](const base::VolumeName& volume, const std::optional<base::RevisionId>& revision) -> Result<OpenFile> {
        auto transaction = TRY(with_.writes.create({vm, volume}, revision, writer));
        return TransactionHandle{std::move(transaction), true};
    };
    return std::visit(api::Overloaded{
                          [&](const paths::VolumeEntry& volume) -> Result<OpenFile> {
                              // Somebody else has just made it: the kernel looks again.
                              if (tree_.look_up(VmDir{vm}, name, 0)) return base::fail_errno(ESTALE, "it exists by now");
                              return begin(volume.volume, std::nullopt);
                          },
                          [&](const paths::RevisionEntry& revision) { return begin(revision.volume, revision.revision); },
                          [&](const paths::CurrentEntry&) -> Result<OpenFile> {
                              return fail(Errc::InvalidArgument, "@current is a reserved name: the alias of the committed state");
                          },
                          [&](const paths::ScratchEntry& scratch) -> Result<OpenFile> {
                              auto file = TRY(with_.writes.create_scratch(vm, scratch.name));
                              if (!file->opened(true)) return fail(Errc::Busy, scratch.name + " is becoming a state");
                              return ScratchHandle{vm, std::move(file), true};
                          },
                          [&](const paths::ControlEntry&) -> Result<OpenFile> { return fail(Errc::Exists, ".varve is the control tree"); },
                      },
                      entry);
}

void Server::create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t, fuse_file_info* info) {
    const auto directory = node(parent);
    if (!directory) return (void)fuse_reply_err(request, ESTALE);
    const Operation operation{"create", path_in(**directory, name)};
    const auto* vm = std::get_if<VmDir>(&**directory);
    if (vm == nullptr) return refuse(request, operation, {Errc::Denied, {}, "files exist only in VM directories, pools/<pool>/<vm>/"});
    auto opened = create_file(vm->vm, name, writer(request));
    // Made by somebody else since the kernel looked: without O_EXCL it looks again and opens that.
    const auto again = [&](const base::Error& error) {
        return error.cause == std::error_code(ESTALE, std::generic_category()) ||
               (error.code == Errc::Exists && (info->flags & O_EXCL) == 0);
    };
    if (!opened && again(opened.error())) return (void)fuse_reply_err(request, ESTALE);
    if (!opened) return refuse(request, operation, opened.error());

    Found found{Node(RootDir{}), false};
    if (auto* transaction = std::get_if<TransactionHandle>(&*opened)) found.node = TransactionFile{transaction->transaction};
    if (auto* scratch = std::get_if<ScratchHandle>(&*opened)) found.node = Scratch{vm->vm, name, scratch->file};
    const auto entry = entry_for(found);
    if (!entry) return refuse(request, operation, entry.error());
    reply_opened(request, entry->ino, with_.nodes.get(entry->ino), *std::move(opened), info, &*entry);
}

void Server::flush(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    auto& handle = *reinterpret_cast<Handle*>(info->fh);  // NOLINT: made in reply_opened
    if (auto* open = std::get_if<TransactionHandle>(&handle.file); open != nullptr && open->writes)
        return done(request, {"close", path_of(*handle.what)}, open->transaction->flush(writer(request)));
    if (auto* open = std::get_if<ScratchHandle>(&handle.file);
        open != nullptr && open->writes && with_.processes.killed(fuse_req_ctx(request)->pid))
        open->file->spoil();
    (void)fuse_reply_err(request, 0);
}

void Server::release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    const std::unique_ptr<Handle> handle(reinterpret_cast<Handle*>(info->fh));  // NOLINT: made in reply_opened
    if (auto* open = std::get_if<TransactionHandle>(&handle->file); open != nullptr && open->writes) {
        // Nobody waits for this answer: what could not be committed is told in `.varve/errors`.
        const Operation operation{"release", path_of(*handle->what)};
        if (const auto released = open->transaction->released(); !released) remember_failure(request, operation, released.error());
    }
    if (auto* open = std::get_if<ScratchHandle>(&handle->file)) with_.writes.scratch_released(*open->vm, *open->file, open->writes);
    if (auto* open = std::get_if<std::unique_ptr<EventsHandle>>(&handle->file)) with_.events.forget((*open)->waiter);
    if (descriptor_of(handle->file)) with_.passthrough.released(handle->node);
    (void)fuse_reply_err(request, 0);
}

}  // namespace varve::fuse
