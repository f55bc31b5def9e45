// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/extents.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

namespace varve::kernel {
namespace {

using base::Bytes;
using base::Extents;
using base::Result;

constexpr auto nowhere = std::numeric_limits<std::uint64_t>::max();

// A file's extents one after the other.
class ExtentReader {
public:
    explicit ExtentReader(int file) : file_(file), buffer_(words) {}

    // Nothing behind the last one.
    Result<std::optional<fiemap_extent>> next() {
        if (read_ == mapped_ && !ended_) TRY(fill());
        if (read_ == mapped_) return std::nullopt;
        const auto* const extents =
            reinterpret_cast<const fiemap_extent*>(reinterpret_cast<const char*>(buffer_.data()) + offsetof(fiemap, fm_extents));
        const auto extent = extents[read_++];
        next_ = extent.fe_logical + extent.fe_length;
        ended_ = (extent.fe_flags & FIEMAP_EXTENT_LAST) != 0;
        return extent;
    }

private:
    static constexpr std::uint32_t batch = 512;
    static constexpr auto words = (sizeof(fiemap) + batch * sizeof(fiemap_extent) + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t);

    Result<> fill() {
        auto* const map = reinterpret_cast<fiemap*>(buffer_.data());
        map->fm_mapped_extents = 0;
        map->fm_start = next_;
        map->fm_length = FIEMAP_MAX_OFFSET - next_;
        map->fm_flags = FIEMAP_FLAG_SYNC;  // delayed allocations have no extents yet
        map->fm_extent_count = batch;
        if (::ioctl(file_, FS_IOC_FIEMAP, map) != 0) return base::fail_errno(errno, "cannot read the file's extents");
        mapped_ = map->fm_mapped_extents;
        read_ = 0;
        ended_ = mapped_ == 0;
        return {};
    }

    int file_;
    std::vector<std::uint64_t> buffer_;
    std::uint64_t next_ = 0;
    std::uint32_t mapped_ = 0;
    std::uint32_t read_ = 0;
    bool ended_ = false;
};

// What a file has at a place that moves forward.
class Place {
public:
    explicit Place(int file) : reader_(file) {}

    struct Data {
        enum class Kind { None, Shared, Own } kind;
        std::uint64_t address;  // on the disk, when it is shared
        std::uint64_t end;      // until where in the file this holds
        [[nodiscard]] bool same_as(const Data& other) const {
            return kind == other.kind && (kind == Kind::None || (kind == Kind::Shared && address == other.address));
        }
    };
    Result<Data> look(std::uint64_t at) {
        while (!extent_ || extent_->fe_logical + extent_->fe_length <= at) {
            extent_ = TRY(reader_.next());
            if (!extent_) return Data{Data::Kind::None, 0, nowhere};
        }
        if (extent_->fe_logical > at) return Data{Data::Kind::None, 0, extent_->fe_logical};
        const auto end = extent_->fe_logical + extent_->fe_length;
        if ((extent_->fe_flags & no_address) != 0) return Data{Data::Kind::Own, 0, end};
        if ((extent_->fe_flags & FIEMAP_EXTENT_UNWRITTEN) != 0) return Data{Data::Kind::None, 0, end};  // reads as zeros
        // Some give addresses that are not the disk's (SMB: offsets in the file), but none of them says shared.
        if ((extent_->fe_flags & FIEMAP_EXTENT_SHARED) == 0) return Data{Data::Kind::Own, 0, end};
        return Data{Data::Kind::Shared, extent_->fe_physical + (at - extent_->fe_logical), end};
    }

private:
    // Of compressed ones Btrfs gives the address of the whole, wherever in it the file's part begins.
    static constexpr std::uint32_t no_address = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED |
                                                FIEMAP_EXTENT_DATA_ENCRYPTED | FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE |
                                                FIEMAP_EXTENT_DATA_TAIL;

    ExtentReader reader_;
    std::optional<fiemap_extent> extent_;
};

}  // namespace

Result<Bytes> exclusive_bytes(int file) {
    ExtentReader reader(file);
    Bytes exclusive{};
    while (const auto extent = TRY(reader.next()))
        if ((extent->fe_flags & FIEMAP_EXTENT_SHARED) == 0) exclusive.count += extent->fe_length;
    return exclusive;
}

Result<Extents> differing_extents(int one, int other) {
    struct stat status_of_one {};
    struct stat status_of_other {};
    if (::fstat(one, &status_of_one) != 0 || ::fstat(other, &status_of_other) != 0) return base::fail_errno(errno, "cannot look at a file");
    if (status_of_one.st_dev == status_of_other.st_dev && status_of_one.st_ino == status_of_other.st_ino) return Extents{};
    Place first(one);
    Place second(other);
    Extents found;
    for (std::uint64_t at = 0; at != nowhere;) {
        const auto a = TRY(first.look(at));
        const auto b = TRY(second.look(at));
        const auto end = std::min(a.end, b.end);
        if (!a.same_as(b)) base::append(found, {{at}, {end - at}});
        at = end;
    }
    return found;
}

}  // namespace varve::kernel
