// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/board_reader/board_reader.h"

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/file_mapping.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace varve::board_reader {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;
namespace interprocess = boost::interprocess;

namespace {

// A write of the largest slot takes well under a microsecond, so a writer that lives and is not stopped leaves room for one of these.
constexpr unsigned int tries_of_slot = 1000;
constexpr unsigned int tries_of_all = 10;

Result<> trustworthy(int file, const std::string& name) {
    struct stat status {};
    if (::fstat(file, &status) != 0) return fail_errno(errno, "cannot look at the status board " + name);
    if (!S_ISREG(status.st_mode)) return fail(Errc::Corrupt, "the status board " + name + " is no regular file");
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return fail(Errc::Denied, "the status board " + name + " belongs to another user");
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return fail(Errc::Denied, "the status board " + name + " may be written by others");
    return {};
}

Result<> usable(const protocol::BoardWriter& writer, off_t size, const std::string& name) {
    const auto corrupt = [&](const char* what) { return fail(Errc::Corrupt, "the status board " + name + " is damaged: " + what); };
    if (writer.magic != protocol::board_magic) return corrupt("it does not begin as one");
    if (writer.layout != protocol::board_layout)
        return fail(Errc::Unsupported, "the status board " + name + " has the layout " + std::to_string(writer.layout) +
                                           ", and this varve knows " + std::to_string(protocol::board_layout) +
                                           ": varvefs and varve are of different versions");
    if (writer.size != sizeof(protocol::Board) || size != static_cast<off_t>(sizeof(protocol::Board))) return corrupt("its size is wrong");
    if (writer.pid <= 0 || writer.pid > std::numeric_limits<pid_t>::max()) return corrupt("it names no process");
    if (writer.mountpoint.empty()) return corrupt("it names no mount");
    return {};
}

Result<interprocess::mapped_region> map(int file, const std::string& name) {
    try {
        const interprocess::file_mapping mapping(("/proc/self/fd/" + std::to_string(file)).c_str(), interprocess::read_only);
        return interprocess::mapped_region(mapping, interprocess::read_only, 0, sizeof(protocol::Board));
    } catch (const interprocess::interprocess_exception& error) {
        return fail(Errc::Io, "cannot map the status board " + name + ": " + error.what());
    }
}

// Those slots that hold something, in their order.
template <class Value, std::size_t N, class Used>
std::vector<Value> read_slots(const std::array<protocol::BoardSlot<Value>, N>& slots, std::uint64_t& unreadable, const Used& used) {
    std::vector<Value> values;
    for (const auto& slot : slots) {
        const auto value = slot.read(tries_of_slot);
        if (!value)
            ++unreadable;
        else if (used(*value))
            values.push_back(*value);
    }
    return values;
}

template <class Value>
Value read_slot(const protocol::BoardSlot<Value>& slot, std::uint64_t& unreadable) {
    const auto value = slot.read(tries_of_slot);
    if (!value) ++unreadable;
    return value.value_or(Value{});
}

// What one look of the writer's has brought.
void read_gathered(const protocol::Board& board, BoardSnapshot& snapshot, std::uint64_t& unreadable) {
    const auto named = [](const auto& value) { return !value.name.empty(); };
    snapshot.gathered = read_slot(board.gathered, unreadable);
    snapshot.pools = read_slots(board.pools, unreadable, named);
    snapshot.volumes = read_slots(board.volumes, unreadable, named);
}

}  // namespace

Result<BoardReader> BoardReader::open(int directory, const std::string& name) {
    UniqueFd file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) return fail_errno(errno, "cannot open the status board " + name);
    return over(std::move(file), name);
}

Result<BoardReader> BoardReader::over(UniqueFd file, const std::string& name) {
    TRY(trustworthy(file.get(), name));
    std::array<char, sizeof(protocol::BoardWriter)> bytes{};
    const auto count = ::pread(file.get(), bytes.data(), bytes.size(), 0);
    if (count < 0) return fail_errno(errno, "cannot read the status board " + name);
    if (static_cast<std::size_t>(count) < bytes.size())
        return fail(Errc::Corrupt, "the status board " + name + " is damaged: it is too short");
    const auto writer = std::bit_cast<protocol::BoardWriter>(bytes);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return fail_errno(errno, "cannot look at the status board " + name);
    TRY(usable(writer, status.st_size, name));
    auto memory = TRY(map(file.get(), name));
    return BoardReader(std::move(file), std::move(memory), writer);
}

BoardSnapshot BoardReader::read(const Machine& machine) const {
    BoardSnapshot snapshot;
    snapshot.writer = writer_;
    // Before the rest: what is read of one that lives is of one that lived.
    const bool lives = machine.lives(writer_);
    std::uint64_t unreadable = 0;
    for (unsigned int i = 0; i < tries_of_all; ++i) {
        const auto before = board().gathering.load(std::memory_order_acquire);
        unreadable = 0;
        read_gathered(board(), snapshot, unreadable);
        if ((before & 1) == 0 && board().gathering.load(std::memory_order_relaxed) == before) break;
    }
    snapshot.totals = read_slot(board().totals, unreadable);
    snapshot.operations = read_slots(board().operations, unreadable, [](const auto& value) { return value.number != 0; });
    std::ranges::sort(snapshot.operations, {}, &protocol::BoardOperation::number);
    snapshot.verbs = read_slots(board().verbs, unreadable, [](const auto& value) { return !value.verb.empty(); });
    snapshot.unreadable = unreadable;
    const bool ended = board().ended.load(std::memory_order_acquire) != 0;
    snapshot.life = ended ? WriterLife::Ended : lives ? WriterLife::Alive : WriterLife::Dead;
    return snapshot;
}

bool BoardReader::replaced(int directory, const std::string& name) const {
    struct stat mine {};
    struct stat there {};
    if (::fstat(file_.get(), &mine) != 0 || ::fstatat(directory, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return true;
    return mine.st_dev != there.st_dev || mine.st_ino != there.st_ino;
}

}  // namespace varve::board_reader
