// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/process_start.h"

#include "drivers/base/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>

namespace varve::protocol {

std::optional<ProcessStart> parse_process_start(std::string_view stat) {
    const auto name_end = stat.rfind(") ");
    if (name_end == std::string_view::npos) return std::nullopt;
    stat.remove_prefix(name_end + 2);  // at the third field, the state
    if (stat.empty()) return std::nullopt;
    ProcessStart start;
    start.dead = stat.front() == 'Z' || stat.front() == 'X';
    constexpr int fields_between = 19;  // from the 3rd to the 22nd
    for (int i = 0; i < fields_between; ++i) {
        const auto blank = stat.find(' ');
        if (blank == std::string_view::npos) return std::nullopt;
        stat.remove_prefix(blank + 1);
    }
    const auto parsed = std::from_chars(stat.data(), stat.data() + stat.size(), start.ticks);
    if (parsed.ec != std::errc{}) return std::nullopt;
    return start;
}

std::optional<ProcessStart> process_start(pid_t process) {
    const auto path = "/proc/" + std::to_string(process) + "/stat";
    const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return std::nullopt;
    std::array<char, 1024> text{};
    const auto count = ::read(file.get(), text.data(), text.size());
    if (count <= 0) return std::nullopt;
    return parse_process_start({text.data(), static_cast<std::size_t>(count)});
}

}  // namespace varve::protocol
