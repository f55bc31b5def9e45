// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/extents.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstddef>
#include <vector>

namespace varve::kernel {

base::Result<base::Bytes> exclusive_bytes(int file) {
    constexpr std::uint32_t batch = 512;
    constexpr auto words = (sizeof(fiemap) + batch * sizeof(fiemap_extent) + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t);
    std::vector<std::uint64_t> buffer(words);
    auto* const map = reinterpret_cast<fiemap*>(buffer.data());
    base::Bytes exclusive{};
    std::uint64_t next = 0;
    while (true) {
        map->fm_start = next;
        map->fm_length = FIEMAP_MAX_OFFSET - next;
        map->fm_flags = FIEMAP_FLAG_SYNC;  // delayed allocations have no extents yet
        map->fm_mapped_extents = 0;
        map->fm_extent_count = batch;
        if (::ioctl(file, FS_IOC_FIEMAP, map) != 0) return base::fail_errno(errno, "cannot read the file's extents");
        if (map->fm_mapped_extents == 0) return exclusive;
        const auto* const extents =
            reinterpret_cast<const fiemap_extent*>(reinterpret_cast<const char*>(map) + offsetof(fiemap, fm_extents));
        for (std::uint32_t i = 0; i < map->fm_mapped_extents; ++i) {
            if ((extents[i].fe_flags & FIEMAP_EXTENT_SHARED) == 0) exclusive.count += extents[i].fe_length;
            if ((extents[i].fe_flags & FIEMAP_EXTENT_LAST) != 0) return exclusive;
            next = extents[i].fe_logical + extents[i].fe_length;
        }
    }
}

}  // namespace varve::kernel
