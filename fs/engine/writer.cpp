// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/writer.h"

#include "drivers/base/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace varve::engine {
namespace {

std::string read_proc(pid_t thread, const char* file) {
    const base::UniqueFd fd(::open(("/proc/" + std::to_string(thread) + "/" + file).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return {};
    std::array<char, 4096> text{};
    const auto length = ::read(fd.get(), text.data(), text.size());
    return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : std::string();
}

int number(std::string_view text) {
    int value = 0;
    (void)std::from_chars(text.data(), text.data() + text.size(), value);  // 0 when it is none
    return value;
}

}  // namespace

pid_t ProcProcesses::process_of(pid_t thread) const {
    if (thread <= 0) return 0;
    const auto status = read_proc(thread, "status");
    constexpr std::string_view key = "\nTgid:\t";
    const auto at = status.find(key);
    if (at == std::string::npos) return thread;
    return number(std::string_view(status).substr(at + key.size()));
}

// proc_pid_stat(5): field 52, exit_code, is set before the kernel closes a dying process's files, and its low 7 bits are the signal.
// PF_SIGNALED would not do: it is also set for threads that end with a normal exit_group (Linux 6.18).
//
// A process that is about to run another program closes its files, too, and reading its stat would wait until that is over, so for the answer to
// this very request (exec_update_lock, which do_task_stat takes since Linux 6.18.44 or before). It has memory; one that is ending has none
// any more when its files are closed (do_exit in kernel/exit.c), and reading statm waits for nothing.
bool ProcProcesses::killed(pid_t thread) const {
    if (thread <= 0 || number(read_proc(thread, "statm")) != 0) return false;
    const auto stat = read_proc(thread, "stat");
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos) return false;
    auto rest = std::string_view(stat).substr(name_end + 1);
    constexpr int fields_after_name = 50;  // state is field 3; exit_code is field 52, the 50th after the name
    for (int field = 1; field < fields_after_name; ++field) {
        const auto blank = rest.find(' ', 1);
        if (blank == std::string_view::npos) return false;
        rest = rest.substr(blank);
    }
    return (number(rest.substr(1)) & 0x7f) != 0;
}

}  // namespace varve::engine
