// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/board_command.h"

#include "fs/protocol/board_place.h"
#include "orchestrator/mount_client/files.h"
#include "orchestrator/mount_client/mountinfo.h"

#include <fcntl.h>

namespace varve::cli {

using base::Result;

namespace {

Result<std::string> served_mount(const std::filesystem::path& runtime_directory, const World& world) {
    const auto mountinfo = TRY(mount_client::read_text(AT_FDCWD, world.mountinfo));
    if (!mount_client::varve_mounts(mountinfo).empty()) return mount_client::the_varve_mount(mountinfo);
    auto left = TRY(board_reader::boards_in(runtime_directory));
    if (left.size() == 1) return std::move(left.front());
    return mount_client::the_varve_mount(mountinfo);
}

}  // namespace

Result<board_reader::BoardFinder> find_board(const std::string& mount_option, const World& world) {
    const std::filesystem::path runtime_directory =
        world.runtime_variable.empty() ? std::string(protocol::standard_runtime_directory) : world.runtime_variable;
    auto mountpoint = !mount_option.empty()           ? mount_option
                      : !world.mount_variable.empty() ? world.mount_variable
                                                      : TRY(served_mount(runtime_directory, world));
    return board_reader::BoardFinder::make(runtime_directory, mountpoint);
}

}  // namespace varve::cli
