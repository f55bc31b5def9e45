// SPDX-License-Identifier: LGPL-2.1-or-later
// One board, mapped read-only.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "orchestrator/board_reader/snapshot.h"

#include <boost/interprocess/mapped_region.hpp>

#include <string>

namespace varve::board_reader {

// Trusts that its owner, root or this user, does not make the file shorter while it is mapped; nothing that is in it.
class BoardReader {
public:
    // `directory`: of the boards (protocol::open_boards), whose name is for messages. NotFound when there is none of that name. Denied when it
    // is another user's file, or others may write it. Corrupt when it is no board or a damaged one, Unsupported when it is another version's.
    [[nodiscard]] static base::Result<BoardReader> open(int directory, const std::string& name);

    // The same of an open file.
    [[nodiscard]] static base::Result<BoardReader> over(base::UniqueFd file, const std::string& name);

    // Its writer's.
    [[nodiscard]] const protocol::BoardWriter& writer() const { return writer_; }

    // Never waits. Pools and volumes are of one look of the writer's when there was a pause between two looks; else each is right for itself, as
    // operations are.
    [[nodiscard]] BoardSnapshot read(const Machine& machine) const;

    // Whether the name stands for another file by now, or none: a daemon has begun anew, or ended.
    [[nodiscard]] bool replaced(int directory, const std::string& name) const;

private:
    BoardReader(base::UniqueFd file, boost::interprocess::mapped_region memory, const protocol::BoardWriter& writer)
        : file_(std::move(file)), memory_(std::move(memory)), writer_(writer) {}
    [[nodiscard]] const protocol::Board& board() const { return *static_cast<const protocol::Board*>(memory_.get_address()); }

    base::UniqueFd file_;
    boost::interprocess::mapped_region memory_;
    protocol::BoardWriter writer_;
};

}  // namespace varve::board_reader
