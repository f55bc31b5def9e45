// SPDX-License-Identifier: LGPL-2.1-or-later
// The board of a mount, again and again: daemons come and go.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/board_reader/board_reader.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace varve::board_reader {

class BoardFinder {
public:
    // `mountpoint` may be any path to it; it need not be mounted.
    [[nodiscard]] static base::Result<BoardFinder> make(const std::filesystem::path& runtime_directory, const std::string& mountpoint);

    [[nodiscard]] const std::string& mountpoint() const { return mountpoint_; }

    // What is on the board now. Keeps it mapped until another daemon has taken its place. NotFound when there is none: no varvefs serves the mount,
    // or one without a board.
    [[nodiscard]] base::Result<BoardSnapshot> read(const Machine& machine);

private:
    BoardFinder(std::filesystem::path runtime_directory, std::string mountpoint)
        : runtime_directory_(std::move(runtime_directory)), mountpoint_(std::move(mountpoint)) {}

    std::filesystem::path runtime_directory_;
    std::string mountpoint_;
    std::optional<BoardReader> reader_;
};

// The mount points of all boards there are, those of dead daemons too, by name. What is no board is left out.
[[nodiscard]] base::Result<std::vector<std::string>> boards_in(const std::filesystem::path& runtime_directory);

}  // namespace varve::board_reader
