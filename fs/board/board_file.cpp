// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/board/board_file.h"

#include "fs/protocol/board_place.h"
#include "fs/protocol/process_start.h"

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/file_mapping.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <new>

namespace varve::board {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;
namespace interprocess = boost::interprocess;

namespace {

// Everybody may read it: it tells no more than `.varve/operations` and `.varve/metrics`, which everybody may read.
constexpr mode_t file_mode = 0644;
constexpr mode_t directory_mode = 0755;

Result<> make_boards(const std::filesystem::path& runtime_directory) {
    const auto boards = runtime_directory / protocol::boards_directory;
    for (const auto& directory : {runtime_directory, boards}) {
        if (::mkdir(directory.c_str(), directory_mode) == 0) {
            if (::chmod(directory.c_str(), directory_mode) != 0)
                return fail_errno(errno, "cannot open " + directory.string() + " to readers");
        } else if (errno != EEXIST) {
            return fail_errno(errno, "cannot make " + directory.string());
        }
    }
    return {};
}

std::string open_file_path(int file) { return "/proc/self/fd/" + std::to_string(file); }

// By descriptor: the library would open a name by following links.
Result<interprocess::mapped_region> map(int file) {
    try {
        const interprocess::file_mapping mapping(open_file_path(file).c_str(), interprocess::read_write);
        return interprocess::mapped_region(mapping, interprocess::read_write, 0, sizeof(protocol::Board));
    } catch (const interprocess::interprocess_exception& error) {
        return fail(Errc::Io, std::string("cannot map the status board: ") + error.what());
    }
}

// One more than that of the board which lies there, when that is one.
std::uint64_t next_generation(int directory, const std::string& name) {
    const UniqueFd file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) return 1;
    std::array<char, sizeof(protocol::BoardWriter)> bytes{};
    if (::pread(file.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return 1;
    const auto before = std::bit_cast<protocol::BoardWriter>(bytes);
    return before.magic == protocol::board_magic && before.layout == protocol::board_layout ? before.generation + 1 : 1;
}

}  // namespace

Result<BoardFile> BoardFile::make(const std::filesystem::path& runtime_directory, const std::string& mountpoint, const std::string& boot_id,
                                  base::Timestamp started) {
    TRY(make_boards(runtime_directory));
    auto directory = TRY(protocol::open_boards(runtime_directory));
    UniqueFd file(::openat(directory.get(), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, file_mode));
    if (!file.valid()) return fail_errno(errno, "cannot make a status board in " + runtime_directory.string());
    if (::fchmod(file.get(), file_mode) != 0) return fail_errno(errno, "cannot open the status board to readers");
    if (const int error = ::posix_fallocate(file.get(), 0, sizeof(protocol::Board)); error != 0)
        return fail_errno(error, "there is no space for the status board in " + runtime_directory.string());
    auto memory = TRY(map(file.get()));

    const auto self = protocol::process_start(::getpid());
    if (!self) return fail(Errc::Io, "cannot find out when this process started");
    if (mountpoint.size() >= sizeof(protocol::BoardWriter::mountpoint)) return fail(Errc::TooLarge, "the mountpoint's path is too long");
    auto name = protocol::board_file_name(mountpoint);
    auto* const board = new (memory.get_address()) protocol::Board;
    board->writer = {protocol::board_magic,
                     protocol::board_layout,
                     0,
                     sizeof(protocol::Board),
                     next_generation(directory.get(), name),
                     boot_id,
                     ::getpid(),
                     self->ticks,
                     started.seconds,
                     VARVE_VERSION,
                     mountpoint};
    return BoardFile(std::move(directory), std::move(name), std::move(file), std::move(memory));
}

Result<> BoardFile::publish() {
    const auto made = name_ + "~" + std::to_string(::getpid());
    (void)::unlinkat(directory_.get(), made.c_str(), 0);  // of a process that had the number before and died right here
    if (::linkat(AT_FDCWD, open_file_path(file_.get()).c_str(), directory_.get(), made.c_str(), AT_SYMLINK_FOLLOW) != 0)
        return fail_errno(errno, "cannot name the status board " + name_);
    if (::renameat(directory_.get(), made.c_str(), directory_.get(), name_.c_str()) != 0) {
        const int error = errno;
        (void)::unlinkat(directory_.get(), made.c_str(), 0);  // swept by nobody else, and read by nobody
        return fail_errno(error, "cannot name the status board " + name_);
    }
    published_ = true;
    return {};
}

BoardFile::~BoardFile() {
    if (!file_.valid()) return;
    board().ended.store(1, std::memory_order_release);
    if (!published_) return;
    struct stat mine {};
    struct stat there {};
    const bool still_mine = ::fstat(file_.get(), &mine) == 0 &&
                            ::fstatat(directory_.get(), name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && mine.st_dev == there.st_dev &&
                            mine.st_ino == there.st_ino;
    if (still_mine) (void)::unlinkat(directory_.get(), name_.c_str(), 0);  // what stays says that it has ended
}

}  // namespace varve::board
