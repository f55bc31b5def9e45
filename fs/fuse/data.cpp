// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/overloaded.h"
#include "fs/control/errno_map.h"
#include "fs/engine/image_io.h"
#include "fs/fuse/pool_of.h"
#include "fs/fuse/server.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <stop_token>
#include <vector>

namespace varve::fuse {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;

namespace {

Handle& handle_of(const fuse_file_info& info) { return *reinterpret_cast<Handle*>(info.fh); }  // NOLINT: made in reply_opened

Bytes bytes(off_t offset) { return {static_cast<std::uint64_t>(offset)}; }

// The kernel asks for no more (max_pages), and nobody shall make us set aside what they like.
constexpr std::size_t largest_read = 1U << 20;
// The answer has 32 bits for the count. Kernels before 6.17 ask for more, and a count that wraps to 0 would be the end of the source.
// Whole blocks of every file system, so that what follows can be cloned too.
constexpr std::uint64_t largest_copy = 0xfff00000;

// One buffer for each of libfuse's threads: allocating a mebibyte for each read would map and unmap it.
std::span<char> thread_buffer(std::size_t size) {
    thread_local std::vector<char> buffer;
    if (buffer.size() < size) buffer.resize(size);
    return std::span(buffer).first(size);
}

// The process of the request's thread; the pair last seen on this handle is remembered.
engine::Writer writer_on(Handle& handle, pid_t thread, const engine::Processes& processes) {
    if (thread <= 0) return {};
    const auto seen = handle.last_writer.load(std::memory_order_relaxed);
    if (static_cast<pid_t>(seen >> 32) == thread) return {thread, static_cast<pid_t>(seen & 0xffffffff)};
    const auto process = processes.process_of(thread);
    handle.last_writer.store((static_cast<std::uint64_t>(thread) << 32) | static_cast<std::uint32_t>(process), std::memory_order_relaxed);
    return {thread, process};
}

Result<std::size_t> copy_text(std::string_view text, std::size_t offset, std::span<char> buffer) {
    if (offset >= text.size()) return std::size_t{0};
    return text.copy(buffer.data(), buffer.size(), offset);
}

Result<std::size_t> read_from(OpenFile& file, std::span<char> buffer, Bytes offset) {
    return std::visit(
        api::Overloaded{
            [&](const StateHandle& state) { return engine::read_at(state.readable(), buffer, offset); },
            [&](const EmptyHandle&) -> Result<std::size_t> { return std::size_t{0}; },
            [&](const TransactionHandle& open) { return open.transaction->read(buffer, offset); },
            [&](const ScratchHandle& open) { return open.file->image()->storage().read(buffer, offset); },
            [&](const ValueHandle& value) { return copy_text(value.text, offset.count, buffer); },
            [&](const std::unique_ptr<EventsHandle>&) -> Result<std::size_t> { return fail(Errc::InvalidArgument, "events are no image"); },
            [&](const std::unique_ptr<CommandHandle>& command) {
                const std::lock_guard lock(command->mutex);
                auto copied = copy_text(command->reply, command->cursor, buffer);
                command->cursor += *copied;
                return copied;
            },
        },
        file);
}

// Runs `use` with what the handle shows.
Result<> with_image(const OpenFile& file, const std::function<Result<>(const engine::Readable&)>& use) {
    if (const auto* state = std::get_if<StateHandle>(&file)) return use(state->readable());
    if (const auto* open = std::get_if<TransactionHandle>(&file)) return open->transaction->with_image(use);
    if (const auto* open = std::get_if<ScratchHandle>(&file)) return use(TRY(engine::readable(*open->file->image())));
    return fail(Errc::Unsupported, "there is nothing to copy from");
}

// A descriptor of one's own: who clones from one transaction into another, or into itself, must not hold the first one's lock.
struct CopySource {
    base::UniqueFd fd;
    Bytes size;
};
Result<CopySource> source_of(const OpenFile& file) {
    CopySource copy;
    TRY(with_image(file, [&](const engine::Readable& image) -> Result<> {
        copy = {base::UniqueFd(::fcntl(image.fd, F_DUPFD_CLOEXEC, 0)), image.size};
        if (!copy.fd.valid()) return base::fail_errno(errno, "cannot open the source once more");
        return {};
    }));
    return copy;
}

bool is_image(const OpenFile& file) {
    return std::holds_alternative<StateHandle>(file) || std::holds_alternative<TransactionHandle>(file) ||
           std::holds_alternative<ScratchHandle>(file);
}

Result<> spoil_on_failure(engine::ScratchFile& file, Result<> result) {
    if (!result) file.spoil();
    return result;
}

}  // namespace

void Server::read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
    auto& handle = handle_of(*info);
    if (auto* events = std::get_if<std::unique_ptr<EventsHandle>>(&handle.file)) {
        const auto text = read_events(**events, size, offset);
        return (void)fuse_reply_buf(request, text.data(), text.size());
    }
    const auto buffer = thread_buffer(std::min(size, largest_read));
    const auto count = read_from(handle.file, buffer, bytes(offset));
    if (!count) return refuse(request, {"read", path_of(*handle.what)}, count.error());
    if (is_image(handle.file)) with_.traffic.add_read(*count);
    (void)fuse_reply_buf(request, buffer.data(), *count);
}

// A pool that was taken away must not live on in what the kernel remembers: its file system could not be unmounted.
void Server::pools_changed() {
    with_.notifier.forget_names();
    const auto open = with_.catalogue.pools();
    with_.nodes.drop([&](const Node& node) {
        const auto* pool = pool_of(node);
        return pool != nullptr && std::ranges::find(open, pool, [](const auto& each) { return each.get(); }) == open.end();
    });
}

void Server::run_command(fuse_req_t request, const Operation& operation, CommandHandle& handle, std::string_view text) {
    std::stop_source interruption;
    // A signal to the writer, while it waits for us.
    fuse_req_interrupt_func(
        request, [](fuse_req_t, void* data) { static_cast<std::stop_source*>(data)->request_stop(); }, &interruption);
    auto reply = with_.control.command(handle.place, text, interruption.get_token());
    fuse_req_interrupt_func(request, nullptr, nullptr);  // waits for one that runs
    if (!handle.place.vm) pools_changed();
    {
        const std::lock_guard lock(handle.mutex);
        handle.reply = std::move(reply.json);
        handle.cursor = 0;
    }
    if (reply.error) return refuse(request, operation, *reply.error);
    (void)fuse_reply_write(request, text.size());
}

void Server::write(fuse_req_t request, fuse_ino_t, const char* data, std::size_t size, off_t offset, fuse_file_info* info) {
    auto& handle = handle_of(*info);
    const std::span content(data, size);
    const std::string_view text(data, size);
    const auto operation = [&] { return Operation{"write", path_of(*handle.what)}; };  // only a refusal needs the path
    if (auto* command = std::get_if<std::unique_ptr<CommandHandle>>(&handle.file))
        return run_command(request, operation(), **command, text);
    const auto written = std::visit(
        api::Overloaded{
            [&](const TransactionHandle& open) {
                return open.transaction->write(content, bytes(offset), writer_on(handle, fuse_req_ctx(request)->pid, with_.processes));
            },
            [&](const ScratchHandle& open) {
                return spoil_on_failure(*open.file, open.file->image()->storage().write(content, bytes(offset)));
            },
            [&](const ValueHandle& value) { return with_.control.write(value.place, value.name, text); },
            [&](const EmptyHandle&) -> Result<> {
                return fail(Errc::InvalidArgument, "a volatile volume keeps nothing, so there is nothing to write");
            },
            [&](const auto&) -> Result<> { return fail(Errc::ReadOnly, "it is read-only"); },
        },
        handle.file);
    if (!written) return refuse(request, operation(), written.error());
    if (is_image(handle.file)) with_.traffic.add_written(size);
    (void)fuse_reply_write(request, size);
}

void Server::fsync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* info) {
    auto& handle = handle_of(*info);
    Result<> synced;
    if (auto* open = std::get_if<TransactionHandle>(&handle.file)) synced = open->transaction->sync(data_only != 0);
    if (auto* open = std::get_if<ScratchHandle>(&handle.file))
        synced = spoil_on_failure(*open->file, open->file->image()->storage().sync(data_only != 0));
    done(request, {"fsync", path_of(*handle.what)}, synced);
}

void Server::fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length, fuse_file_info* info) {
    auto& handle = handle_of(*info);
    Result<> allocated = fail(Errc::ReadOnly, "it is read-only");
    if (auto* open = std::get_if<TransactionHandle>(&handle.file))
        allocated = open->transaction->allocate(mode, bytes(offset), bytes(length));
    if (auto* open = std::get_if<ScratchHandle>(&handle.file))
        allocated = open->file->image()->storage().allocate(mode, bytes(offset), bytes(length));
    done(request, {"fallocate", path_of(*handle.what)}, allocated);
}

void Server::lseek(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* info) {
    auto& handle = handle_of(*info);
    off_t found = 0;
    const auto sought = with_image(handle.file, [&](const engine::Readable& image) -> Result<> {
        found = static_cast<off_t>(TRY(engine::seek(image, bytes(offset), whence)).count);
        return {};
    });
    if (!sought) return (void)fuse_reply_err(request, sought.error().code == Errc::Unsupported ? ENXIO : control::errno_of(sought.error()));
    (void)fuse_reply_lseek(request, found);
}

void Server::copy_file_range(fuse_req_t request, fuse_ino_t, off_t from_offset, fuse_file_info* from_info, fuse_ino_t, off_t to_offset,
                             fuse_file_info* to_info, std::size_t length, int) {
    auto& from = handle_of(*from_info);
    auto& to = handle_of(*to_info);
    const Operation operation{"copy_file_range", path_of(*to.what)};
    auto* transaction = std::get_if<TransactionHandle>(&to.file);
    auto* scratch = std::get_if<ScratchHandle>(&to.file);
    if (transaction == nullptr && scratch == nullptr) return refuse(request, operation, {Errc::ReadOnly, {}, "it is read-only"});
    if (pool_of(*from.what) != pool_of(*to.what)) return (void)fuse_reply_err(request, EXDEV);  // the kernel then copies

    // Errors are no refusals: whoever gets EOPNOTSUPP copies the data instead. (Never ENOSYS: the kernel would not ask again.)
    std::size_t cloned = 0;
    const auto copied = [&]() -> Result<> {
        const auto opened = TRY(source_of(from.file));
        const int source = opened.fd.get();
        const auto size = opened.size.count;
        const auto start = static_cast<std::uint64_t>(from_offset);
        if (start >= size || length == 0) return {};
        cloned = std::min({std::uint64_t{length}, largest_copy, size - start});
        // To the end of the source, whose tail need not be whole blocks, is spelt 0.
        const Bytes count{start + cloned == size ? 0 : cloned};
        if (transaction != nullptr)
            return transaction->transaction->clone_from(source, bytes(from_offset), bytes(to_offset), count,
                                                        writer_on(to, fuse_req_ctx(request)->pid, with_.processes));
        return pool_of(*to.what)->driver().clone_range(source, bytes(from_offset), *scratch->file->image(), bytes(to_offset), count);
    }();
    if (!copied && copied.error().code == Errc::Unsupported) return (void)fuse_reply_err(request, EOPNOTSUPP);
    if (!copied) return refuse(request, operation, copied.error());
    (void)fuse_reply_write(request, cloned);
}

}  // namespace varve::fuse
