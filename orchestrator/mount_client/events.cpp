// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/events.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/files.h"
#include "orchestrator/mount_client/json_fields.h"
#include "orchestrator/mount_client/reference.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace varve::mount_client {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;

namespace names = protocol::field;

Result<Event> parse_event(std::string_view line) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    Event event;
    event.json = line;
    event.missed = static_cast<std::uint64_t>(number_field(json, names::missed, 0, INT64_MAX).value_or(0));
    event.operation = text_field(json, names::operation);
    if (event.missed == 0 && event.operation.empty()) return fail(Errc::Corrupt, "a line of events is in no known form");
    event.time = text_field(json, names::time);
    event.subject = text_field(json, names::volume);
    if (event.subject.empty()) event.subject = text_field(json, names::vm);
    event.to = text_field(json, names::to);
    if (const auto* seconds = field(json, names::seconds); seconds != nullptr && seconds->is_number())
        event.seconds = seconds->get<double>();
    event.ok = event.missed > 0 || flag_field(json, names::ok);
    if (const auto* error = field(json, names::error)) event.message = text_field(*error, names::message);
    return event;
}

Result<EventReader> EventReader::open(const Mount& mount, From from) {
    auto file = TRY(mount.open_for_reading(root_control(protocol::root_file::events)));
    if (from == From::Now && ::lseek(file.get(), 0, SEEK_END) < 0) return fail_errno(errno, "cannot find the end of the events");
    return EventReader(std::move(file));
}

Result<std::vector<Event>> EventReader::next() {
    begun_ += TRY(read_to_end(file_.get()));
    std::vector<Event> events;
    std::size_t at = 0;
    for (auto end = begun_.find('\n'); end != std::string::npos; end = begun_.find('\n', at)) {
        events.push_back(TRY(parse_event(std::string_view(begun_).substr(at, end - at))));
        at = end + 1;
    }
    begun_.erase(0, at);
    return events;
}

Result<bool> EventReader::wait(std::chrono::milliseconds longest) const {
    pollfd file{file_.get(), POLLIN, 0};
    const int ready = ::poll(&file, 1, static_cast<int>(longest.count()));
    if (ready < 0) return fail_errno(errno, "cannot wait for events");
    return ready > 0;
}

}  // namespace varve::mount_client
