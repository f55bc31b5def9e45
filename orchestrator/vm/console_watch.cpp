// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/console_watch.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

namespace varve::vm {

using base::fail_errno;
using base::Result;
using base::UniqueFd;

Result<ConsoleWatch> ConsoleWatch::make(std::filesystem::path file) {
    UniqueFd notify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!notify.valid()) return fail_errno(errno, "cannot watch the console's log");
    if (::inotify_add_watch(notify.get(), file.parent_path().c_str(), IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_ONLYDIR) < 0)
        return fail_errno(errno, "cannot watch '" + file.parent_path().string() + "'");
    return ConsoleWatch(std::move(notify), std::move(file));
}

Result<std::string> ConsoleWatch::more() {
    // What has happened does not matter, only that it is used up before the file is read.
    alignas(inotify_event) std::array<char, sizeof(inotify_event) + NAME_MAX + 1> events{};
    while (::read(notify_.get(), events.data(), events.size()) > 0) {}
    if (!open_.valid()) open_ = UniqueFd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!open_.valid()) {
        if (errno == ENOENT) return std::string();
        return fail_errno(errno, "cannot open '" + file_.string() + "'");
    }
    std::string text(std::size_t{64} << 10, '\0');
    const auto count = ::read(open_.get(), text.data(), text.size());
    if (count < 0) return fail_errno(errno, "cannot read '" + file_.string() + "'");
    text.resize(static_cast<std::size_t>(count));
    return text;
}

}  // namespace varve::vm
