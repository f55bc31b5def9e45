// SPDX-License-Identifier: LGPL-2.1-or-later
// A subcommand that reads the status board, and asks neither the mount nor the orchestrator: these may hang.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/board_reader/find_board.h"
#include "orchestrator/cli/exit_code.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/cli/world.h"

#include <memory>
#include <string>

namespace CLI {
class App;
}

namespace varve::cli {

struct BoardContext {
    board_reader::BoardFinder& board;
    const board_reader::Machine& machine;
    const Output& output;
    const World& world;
};

// Made while the command line is described, filled while it is parsed, and run once.
class BoardCommand {
public:
    BoardCommand() = default;
    BoardCommand(const BoardCommand&) = delete;
    BoardCommand& operator=(const BoardCommand&) = delete;
    virtual ~BoardCommand() = default;
    [[nodiscard]] virtual ExitCode run(const BoardContext& context) = 0;
};

struct BoardSubcommand {
    const CLI::App* app;
    std::unique_ptr<BoardCommand> command;
};

// For the mount that --mount says, else VARVE_MOUNT, else the only one there is; without any, the one whose daemon has died and left its board.
[[nodiscard]] base::Result<board_reader::BoardFinder> find_board(const std::string& mount_option, const World& world);

[[nodiscard]] BoardSubcommand add_status(CLI::App& parent);
[[nodiscard]] BoardSubcommand add_top(CLI::App& parent);

}  // namespace varve::cli
