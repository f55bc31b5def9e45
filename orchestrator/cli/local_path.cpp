// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/local_path.h"

#include <filesystem>

namespace varve::cli {

base::Result<std::optional<std::string>> local_path(const std::string& argument, const std::string& working_directory) {
    if (argument.empty()) return base::fail(base::Errc::InvalidArgument, "a file's name cannot be empty");
    if (argument == "-") return std::nullopt;
    return (std::filesystem::path(working_directory) / argument).string();
}

std::string spool_directory(const std::string& option, const World& world) {
    const auto& chosen = option.empty() ? world.spool_variable : option;
    if (chosen.empty()) return "/var/tmp";
    return (std::filesystem::path(world.working_directory) / chosen).string();
}

}  // namespace varve::cli
