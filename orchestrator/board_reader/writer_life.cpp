// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/board_reader/writer_life.h"

#include "drivers/base/unique_fd.h"
#include "fs/protocol/process_start.h"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX's, not C's
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>
#include <string>

namespace varve::board_reader {
namespace {

std::string boot_id() {
    const base::UniqueFd file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    std::array<char, 64> text{};
    const auto count = file.valid() ? ::read(file.get(), text.data(), text.size()) : 0;
    std::string id(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    id.resize(std::min(id.find_last_not_of('\n') + 1, id.size()));
    return id;
}

}  // namespace

std::string_view name_of(WriterLife life) {
    switch (life) {
        case WriterLife::Alive: return "alive";
        case WriterLife::Ended: return "ended";
        case WriterLife::Dead: break;
    }
    return "dead";
}

bool ThisMachine::lives(const protocol::BoardWriter& writer) const {
    if (writer.pid <= 0 || writer.pid > std::numeric_limits<pid_t>::max() || writer.boot_id.text() != boot_id()) return false;
    const auto process = static_cast<pid_t>(writer.pid);
    if (const auto start = protocol::process_start(process)) return !start->dead && start->ticks == writer.process_start;
    return ::kill(process, 0) == 0 || errno == EPERM;
}

}  // namespace varve::board_reader
