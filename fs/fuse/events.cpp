// SPDX-License-Identifier: LGPL-2.1-or-later
// `.varve/events` as a file that grows: reading ends at its end, and poll(2) waits for more.
#include "fs/activity/event_line.h"
#include "fs/fuse/server.h"

#include <poll.h>

#include <memory>

namespace varve::fuse {
namespace {

struct DestroyPollHandle {
    void operator()(fuse_pollhandle* handle) const { fuse_pollhandle_destroy(handle); }
};

}  // namespace

// What a slow reader has missed is told in a line that is not in the log: from there on its offsets are not the log's places.
std::string Server::read_events(EventsHandle& events, std::size_t size, off_t offset) const {
    const std::lock_guard lock(events.mutex);
    const auto place = static_cast<std::uint64_t>(offset + events.shift);
    auto piece = with_.events.read(place, events.line, size);
    if (piece.missed > 0) {
        const auto told = activity::missed_line(piece.missed);
        if (told.size() >= size) return {};  // of a reader with hardly any room
        piece = with_.events.read(place, events.line, size - told.size());
        piece.text.insert(0, told);
    }
    events.shift = static_cast<std::int64_t>(piece.next) - offset - static_cast<std::int64_t>(piece.text.size());
    events.line = piece.next_line;
    events.read_to = piece.next;
    return std::move(piece.text);
}

void Server::poll(fuse_req_t request, fuse_ino_t, fuse_file_info* info, fuse_pollhandle* handle) {
    const std::shared_ptr<fuse_pollhandle> wanted(handle, DestroyPollHandle());
    auto* const events =
        std::get_if<std::unique_ptr<EventsHandle>>(&reinterpret_cast<Handle*>(info->fh)->file);  // NOLINT: made in reply_opened
    // All other files are as regular ones: always ready.
    if (events == nullptr) return (void)fuse_reply_poll(request, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
    // Once it is answered the file may be closed, and what is known of it gone: its lock must be let go of before.
    (void)fuse_reply_poll(request, wait_for_events(**events, wanted) ? POLLIN | POLLRDNORM : 0);
}

bool Server::wait_for_events(EventsHandle& events, const std::shared_ptr<fuse_pollhandle>& wanted) const {
    const std::lock_guard lock(events.mutex);
    if (wanted) {
        with_.events.forget(events.waiter);  // the kernel asks anew, with a handle that stands for the same file
        events.waiter = with_.events.when_beyond(events.read_to, [wanted] { (void)fuse_lowlevel_notify_poll(wanted.get()); });
    }
    return with_.events.end() > events.read_to;
}

}  // namespace varve::fuse
