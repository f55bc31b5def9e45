// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/board_reader/find_board.h"

#include "fs/protocol/board_place.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace varve::board_reader {

using base::Errc;
using base::fail;
using base::Result;

Result<BoardFinder> BoardFinder::make(const std::filesystem::path& runtime_directory, const std::string& mountpoint) {
    return BoardFinder(runtime_directory, TRY(protocol::real_mountpoint(mountpoint)));
}

Result<BoardSnapshot> BoardFinder::read(const Machine& machine) {
    const auto none = [this] {
        return fail(Errc::NotFound, "no varvefs shows its status for '" + mountpoint_ + "' in " +
                                        (runtime_directory_ / protocol::boards_directory).string() +
                                        ": none serves it, or it has another runtime_dir");
    };
    const auto directory = protocol::open_boards(runtime_directory_);
    if (!directory && directory.error().code == Errc::NotFound) return none();
    if (!directory) return base::Failure(directory.error());
    const auto name = protocol::board_file_name(mountpoint_);
    if (!reader_ || reader_->replaced(directory->get(), name)) {
        reader_.reset();
        auto opened = BoardReader::open(directory->get(), name);
        if (!opened && opened.error().code == Errc::NotFound) return none();
        if (!opened) return base::Failure(std::move(opened).error());
        if (opened->writer().mountpoint.text() != mountpoint_) return none();
        reader_.emplace(*std::move(opened));
    }
    return reader_->read(machine);
}

Result<std::vector<std::string>> boards_in(const std::filesystem::path& runtime_directory) {
    std::vector<std::string> mountpoints;
    auto directory = protocol::open_boards(runtime_directory);
    if (!directory && directory.error().code == Errc::NotFound) return mountpoints;
    if (!directory) return base::Failure(std::move(directory).error());
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(directory->get()), &::closedir);
    if (!listing) return base::fail_errno(errno, "cannot list the status boards");
    (void)directory->release();                             // the listing's now
    while (const auto* entry = ::readdir(listing.get())) {  // NOLINT(concurrency-mt-unsafe): a listing of our own
        const auto board = BoardReader::open(::dirfd(listing.get()), entry->d_name);
        if (board && protocol::board_file_name(board->writer().mountpoint.text()) == entry->d_name)
            mountpoints.emplace_back(board->writer().mountpoint.text());
    }
    std::ranges::sort(mountpoints);
    return mountpoints;
}

}  // namespace varve::board_reader
