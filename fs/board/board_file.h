// SPDX-License-Identifier: LGPL-2.1-or-later
// The file that the status board is, for the process that writes it.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/timestamp.h"
#include "drivers/base/unique_fd.h"
#include "fs/protocol/board.h"

#include <boost/interprocess/mapped_region.hpp>

#include <filesystem>
#include <string>

namespace varve::board {

// Has no name until it is published: nobody sees a board that is not complete, and what fails before leaves nothing. All of its storage is
// allocated first, since a page that could not be had later would end the process with SIGBUS.
class BoardFile {
public:
    // Makes <runtime directory>/boards where it is missing. `mountpoint` is a real one (protocol::real_mountpoint).
    [[nodiscard]] static base::Result<BoardFile> make(const std::filesystem::path& runtime_directory, const std::string& mountpoint,
                                                      const std::string& boot_id, base::Timestamp started);
    // Marks the board as ended, for who has it mapped, and takes its name away, unless that is another's by now.
    ~BoardFile();
    BoardFile(BoardFile&& other) = default;
    BoardFile& operator=(BoardFile&&) = delete;
    BoardFile(const BoardFile&) = delete;
    BoardFile& operator=(const BoardFile&) = delete;

    [[nodiscard]] protocol::Board& board() const { return *static_cast<protocol::Board*>(memory_.get_address()); }

    // Gives it its name, in the place of the one that a daemon left which died. Once.
    [[nodiscard]] base::Result<> publish();

private:
    BoardFile(base::UniqueFd directory, std::string name, base::UniqueFd file, boost::interprocess::mapped_region memory)
        : directory_(std::move(directory)), name_(std::move(name)), file_(std::move(file)), memory_(std::move(memory)) {}

    base::UniqueFd directory_;
    std::string name_;
    base::UniqueFd file_;  // invalid: moved from
    boost::interprocess::mapped_region memory_;
    bool published_ = false;
};

}  // namespace varve::board
