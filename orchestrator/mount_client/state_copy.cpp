// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/state_copy.h"

#include "orchestrator/mount_client/difference.h"
#include "orchestrator/mount_client/scratch_file.h"
#include "orchestrator/mount_client/state_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace varve::mount_client {
namespace {

using base::Bytes;
using base::Errc;
using base::Result;
using Copied = tl::expected<void, CopyFailure>;

// Smaller differences are copied as a whole: few extents to remember, and what a file system shares.
constexpr Bytes shared_block{std::uint64_t{64} << 10};

Result<StateStamp> stamp_of(int file) {
    struct stat status {};
    if (::fstat(file, &status) != 0) return base::fail_errno(errno, "cannot look at a state");
    return StateStamp{{static_cast<std::uint64_t>(status.st_size)}, base::Timestamp::from(status.st_mtim)};
}

// One extent of `from`, which may end in it.
Copied copy_extent(int from, FileTarget& to, const Extent& extent, PieceBuffer& buffer, const CopyObserver& observer) {
    auto at = extent.offset.count;
    const auto end = (extent.offset + extent.length).count;
    while (at < end) {
        if (observer.interrupted && observer.interrupted()) return source_failed("", EINTR);
        const auto got =
            ::pread(from, buffer.data(), static_cast<std::size_t>(std::min<std::uint64_t>(copy_piece, end - at)), static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return source_failed("read", errno);
        if (got == 0) return source_failed("read", ENODATA);
        const auto count = static_cast<std::size_t>(got);
        if (auto put = to.put({at, {buffer.data(), count}}); !put) return put;
        at += count;
    }
    return {};
}

// Makes what `to` shares with another state the content of `from`. Both are of one size.
Copied copy_extents(int from, int to, const std::vector<Extent>& extents, const CopyObserver& observer) {
    FileTarget target(to, Zeros::Punch);
    PieceBuffer buffer;
    for (const auto& extent : extents)
        if (auto copied = copy_extent(from, target, extent, buffer, observer); !copied) return copied;
    return {};
}

class StateCopy {
public:
    StateCopy(const Mount& mount, const StateReference& from, const StateReference& to, const CopyObserver& observer)
        : mount_(mount), from_(from), to_(to), observer_(observer) {}

    Result<> whole(int from, int to) const { return told(copy_file(from, to, CopyMethod::Sparse, observer_)); }

    Result<> sharing(int from, int to, int like, Bytes size) const {
        TRY(told(copy_file(like, to, CopyMethod::Share, {{}, observer_.interrupted})));
        if (::ftruncate(to, static_cast<off_t>(size.count)) != 0)
            return base::Failure(mount_.explain("truncate", errno, "cannot copy " + from_.str() + " to " + to_.str()));
        const auto found = TRY(difference_of(to, from, {shared_block, std::numeric_limits<std::size_t>::max()}, observer_));
        return told(copy_extents(from, to, found.extents, observer_));
    }

private:
    template <class Value>
    Result<> told(const tl::expected<Value, CopyFailure>& copied) const {
        if (copied) return {};
        return base::Failure(
            mount_.explain(copied.error().operation, copied.error().number, "cannot copy " + from_.str() + " to " + to_.str()));
    }

    const Mount& mount_;
    const StateReference& from_;
    const StateReference& to_;
    const CopyObserver& observer_;
};

}  // namespace

Result<std::optional<StateStamp>> find_stamp(const Mount& mount, const StateReference& state) {
    const auto file = open_state(mount, state);
    if (!file && file.error().code == Errc::NotFound) return std::nullopt;
    if (!file) return base::Failure(file.error());
    return TRY(stamp_of(file->get()));
}

Result<> copy_state(const Mount& mount, const StateReference& from, const StateReference& to, const std::optional<StateReference>& like,
                    const CopyObserver& observer) {
    const auto source = TRY(open_state(mount, from));
    const auto stamp = TRY(stamp_of(source.get()));
    TRY(check_destination(mount, to, Mount::Replace::No));
    auto scratch = TRY(ScratchFile::create(mount, to.vm()));
    const StateCopy copy(mount, from, to, observer);
    if (like) {
        const auto shared = TRY(open_state(mount, *like));
        TRY(copy.sharing(source.get(), scratch.fd(), shared.get(), stamp.size));
    } else {
        TRY(copy.whole(source.get(), scratch.fd()));
    }
    const std::array times{timespec{0, UTIME_OMIT}, stamp.modified.to_timespec()};
    if (::futimens(scratch.fd(), times.data()) != 0)
        return base::Failure(mount.explain("setattr", errno, "cannot give " + to.str() + " the time of " + from.str()));
    return scratch.install(to, Mount::Replace::No);
}

Result<bool> same_content(const Mount& mount, const StateReference& one, const StateReference& other, const CopyObserver& observer) {
    const auto first = TRY(open_state(mount, one));
    const auto second = TRY(open_state(mount, other));
    const auto found = difference_of(first.get(), second.get(), {largest_block, 1}, observer);
    if (!found && found.error().code == Errc::TooLarge) return false;
    if (!found) return base::Failure(found.error());
    return found->extents.empty() && found->from_size == found->to_size;
}

}  // namespace varve::mount_client
