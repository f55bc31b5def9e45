// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/difference.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/state_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

namespace varve::mount_client {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;

Result<struct stat> status_of(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return fail_errno(errno, "cannot look at an image");
    return status;
}

// One of the two images, with zeros behind its end.
class Side {
public:
    Side(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

    // Where data may be at or behind `at`; `end` when there are none before it.
    [[nodiscard]] std::uint64_t next_data(std::uint64_t at, std::uint64_t end) const {
        if (at >= size_) return end;
        const auto data = ::lseek(fd_, static_cast<off_t>(at), SEEK_DATA);
        if (data >= 0) return std::min(static_cast<std::uint64_t>(data), end);
        return errno == ENXIO ? end : at;  // where holes are unknown everything is data
    }

    [[nodiscard]] Result<> read(std::uint64_t at, std::size_t count) {
        std::size_t filled = 0;
        while (filled < count && at + filled < size_) {
            const auto got = ::pread(fd_, buffer_.data() + filled, count - filled, static_cast<off_t>(at + filled));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return fail_errno(errno, "cannot read an image");
            if (got == 0) return fail(Errc::Io, "an image became shorter while it was read");
            filled += static_cast<std::size_t>(got);
        }
        std::memset(buffer_.data() + filled, 0, count - filled);
        return {};
    }
    [[nodiscard]] const char* data() const { return buffer_.data(); }

private:
    int fd_;
    std::uint64_t size_;
    PieceBuffer buffer_;
};

class Comparison {
public:
    Comparison(Side& from, Side& to, Difference& found, const DifferenceOptions& options)
        : from_(from), to_(to), found_(found), options_(options), end_(std::max(found.from_size.count, found.to_size.count)) {}

    Result<> run(const Extents& within, const CopyObserver& observer) {
        for (const auto& part : within) TRY(run(part, observer));
        return {};
    }

private:
    [[nodiscard]] std::uint64_t next_data(std::uint64_t at) const {
        return at >= end_ ? end_ : std::min(from_.next_data(at, end_), to_.next_data(at, end_));
    }

    // Whole blocks, but none twice.
    Result<> run(const Extent& part, const CopyObserver& observer) {
        const auto block = options_.block.count;
        const auto stop = std::min(part.end().count, end_);
        at_ = std::max(at_, part.offset.count / block * block);
        for (std::uint64_t data = 0; (data = next_data(at_)) < stop;) {
            at_ = data / block * block;
            const auto blocks = (stop - at_ + block - 1) / block * block;
            const auto count = static_cast<std::size_t>(std::min({std::uint64_t{copy_piece}, blocks, end_ - at_}));
            TRY(compare(at_, count));
            at_ += count;
            if (observer.progress) observer.progress({at_}, Bytes{end_});
            if (observer.interrupted && observer.interrupted()) return fail(Errc::Interrupted, "interrupted");
        }
        return {};
    }

    Result<> compare(std::uint64_t at, std::size_t count) {
        TRY(from_.read(at, count));
        TRY(to_.read(at, count));
        if (std::memcmp(from_.data(), to_.data(), count) == 0) return {};
        for (std::size_t done = 0; done < count;) {
            const auto length = std::min<std::size_t>(options_.block.count, count - done);
            if (std::memcmp(from_.data() + done, to_.data() + done, length) != 0) TRY(note(at + done, length));
            done += length;
        }
        return {};
    }

    Result<> note(std::uint64_t at, std::size_t length) {
        auto& extents = found_.extents;
        if (!extents.empty() && (extents.back().offset + extents.back().length).count == at) {
            extents.back().length.count += length;
            return {};
        }
        if (extents.size() == options_.most_extents)
            return fail(Errc::TooLarge, "they differ in more than " + std::to_string(options_.most_extents) +
                                            " places: larger blocks make fewer of them (--block)");
        extents.push_back({{at}, {length}});
        return {};
    }

    Side& from_;
    Side& to_;
    Difference& found_;
    const DifferenceOptions& options_;
    std::uint64_t end_;
    std::uint64_t at_ = 0;
};

const Extents everywhere{{{0}, base::largest_volume}};

// What varvefs says of two states of one volume. Whoever may not ask, or asks in vain, compares everything.
Extents may_differ(const Mount& mount, const StateReference& from, const StateReference& to) {
    if (from.volume != to.volume) return everywhere;
    const auto name = [](const StateReference& state) {
        return state.revision ? state.revision->str() : std::string(protocol::current_alias);
    };
    const std::array words{std::string(protocol::verb::compare), name(from), name(to)};
    auto reply = mount.command(volume_control(from.volume, protocol::volume_file::ctl), from.volume.str(), words);
    return reply && reply->ok && reply->extents ? *std::move(reply->extents) : everywhere;
}

// What tells a path's state from the one before.
struct Stamp {
    std::int64_t size;
    std::int64_t modified;
    std::int64_t modified_nanoseconds;
    std::int64_t changed;
    std::int64_t changed_nanoseconds;
    friend bool operator==(const Stamp&, const Stamp&) = default;
};

struct OpenedState {
    base::UniqueFd fd;
    Stamp stamp;
};

Result<OpenedState> open_stamped(const Mount& mount, const StateReference& state) {
    auto fd = TRY(open_state(mount, state));
    const auto status = TRY(status_of(fd.get()));
    return OpenedState{std::move(fd),
                       {status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec}};
}

Result<> check_unchanged(const Mount& mount, const StateReference& state, const Stamp& before) {
    const auto now = open_stamped(mount, state);
    if (now && now->stamp == before) return {};
    if (!now && now.error().code != Errc::NotFound) return base::Failure(now.error());
    return fail(Errc::Busy, state.str() + " was replaced while it was compared: try again");
}

}  // namespace

Bytes Difference::sum() const {
    Bytes sum{};
    for (const auto& extent : extents) sum = sum + extent.length;
    return sum;
}

Result<Difference> difference_of(int from, int to, const DifferenceOptions& options, const CopyObserver& observer) {
    return difference_of(from, to, everywhere, options, observer);
}

Result<Difference> difference_of(int from, int to, const Extents& within, const DifferenceOptions& options, const CopyObserver& observer) {
    if (!std::has_single_bit(options.block.count) || options.block.count < base::sector_size || options.block > largest_block)
        return fail(Errc::InvalidArgument, "a block is a power of two from 512 bytes to " + base::human(largest_block));
    Difference found;
    found.from_size.count = static_cast<std::uint64_t>(TRY(status_of(from)).st_size);
    found.to_size.count = static_cast<std::uint64_t>(TRY(status_of(to)).st_size);
    Side from_side(from, found.from_size.count);
    Side to_side(to, found.to_size.count);
    TRY(Comparison(from_side, to_side, found, options).run(within, observer));
    return found;
}

Result<Difference> find_difference(const Mount& mount, const StateReference& from, const StateReference& to,
                                   const DifferenceOptions& options, const CopyObserver& observer) {
    const auto older = TRY(open_stamped(mount, from));
    const auto newer = TRY(open_stamped(mount, to));
    auto found = TRY(difference_of(older.fd.get(), newer.fd.get(), may_differ(mount, from, to), options, observer));
    TRY(check_unchanged(mount, from, older.stamp));
    TRY(check_unchanged(mount, to, newer.stamp));
    return found;
}

}  // namespace varve::mount_client
