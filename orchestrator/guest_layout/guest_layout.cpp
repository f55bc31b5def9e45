// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/guest_layout/guest_layout.h"

#include "drivers/base/unique_fd.h"

#include <libfdisk/libfdisk.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace varve::guest_layout {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr unsigned linux_type = 0x83;
constexpr unsigned swap_type = 0x82;
constexpr Bytes largest_table{(std::uint64_t{1} << 32) * base::sector_size};

using Sector = std::array<unsigned char, base::sector_size>;
// What of the sector tells the partitions: the table and its signature. Before it stands the disk's random number.
constexpr std::size_t table_offset = 446;

struct UnrefContext {
    void operator()(fdisk_context* context) const { fdisk_unref_context(context); }
};
struct UnrefPartition {
    void operator()(fdisk_partition* partition) const { fdisk_unref_partition(partition); }
};
struct UnrefType {
    void operator()(fdisk_parttype* type) const { fdisk_unref_parttype(type); }
};

// libfdisk answers with negative errnos.
Result<> check(int answer, const char* what) {
    if (answer >= 0) return {};
    return fail_errno(-answer, std::string("cannot ") + what);
}

Result<> add(fdisk_context& context, unsigned type_code, std::size_t number, const Partition& place) {
    const std::unique_ptr<fdisk_parttype, UnrefType> type(
        fdisk_label_get_parttype_from_code(fdisk_get_label(&context, nullptr), type_code));
    const std::unique_ptr<fdisk_partition, UnrefPartition> partition(fdisk_new_partition());
    TRY(check(fdisk_partition_set_partno(partition.get(), number), "number a partition"));
    TRY(check(fdisk_partition_set_start(partition.get(), place.start.count / base::sector_size), "place a partition"));
    TRY(check(fdisk_partition_set_size(partition.get(), place.size.count / base::sector_size), "size a partition"));
    TRY(check(fdisk_partition_set_type(partition.get(), type.get()), "set a partition's type"));
    return check(fdisk_add_partition(&context, partition.get(), nullptr), "add a partition");
}

// On a scratch file of the same size: no library looks at what a guest may have written.
Result<Sector> table_of(Bytes volume, const Layout& layout) {
    const UniqueFd scratch(::memfd_create("varve-layout", MFD_CLOEXEC));
    if (!scratch.valid() || ::ftruncate(scratch.get(), static_cast<off_t>(volume.count)) != 0)
        return fail_errno(errno, "cannot make a scratch file for the partition table");
    const std::unique_ptr<fdisk_context, UnrefContext> context(fdisk_new_context());
    if (!context) return fail(Errc::Io, "cannot set up libfdisk");
    TRY(check(fdisk_disable_dialogs(context.get(), 1), "set up libfdisk"));
    TRY(check(fdisk_assign_device_by_fd(context.get(), scratch.get(), "volume", 0), "open the scratch file"));
    TRY(check(fdisk_create_disklabel(context.get(), "dos"), "make a partition table"));
    TRY(add(*context, linux_type, 0, layout.changes));
    TRY(add(*context, swap_type, 1, layout.swap));
    TRY(check(fdisk_write_disklabel(context.get()), "write the partition table"));
    TRY(check(fdisk_deassign_device(context.get(), 1), "close the scratch file"));
    Sector sector{};
    if (::pread(scratch.get(), sector.data(), sector.size(), 0) != static_cast<ssize_t>(sector.size()))
        return fail_errno(errno, "cannot read the partition table");
    return sector;
}

Result<Bytes> size_of(int volume) {
    struct stat status {};
    if (::fstat(volume, &status) != 0) return fail_errno(errno, "cannot look at the volume");
    if (S_ISREG(status.st_mode)) return Bytes{static_cast<std::uint64_t>(status.st_size)};
    if (!S_ISBLK(status.st_mode)) return fail(Errc::InvalidArgument, "the volume is neither a block device nor an image");
    std::uint64_t size = 0;
    if (::ioctl(volume, BLKGETSIZE64, &size) != 0) return fail_errno(errno, "cannot read the volume's size");
    return Bytes{size};
}

// Everything before the first partition: where tables and most file systems have their signatures.
Result<std::vector<unsigned char>> read_head(int volume) {
    std::vector<unsigned char> head(mebibyte);
    std::size_t got = 0;
    while (got < head.size()) {
        const auto part = ::pread(volume, head.data() + got, head.size() - got, static_cast<off_t>(got));
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return fail_errno(errno, "cannot read the volume");
        if (part == 0) return fail(Errc::Io, "the volume became shorter");
        got += static_cast<std::size_t>(part);
    }
    return head;
}

Result<> write_sector(int volume, const Sector& sector) {
    ssize_t done = 0;
    do {
        done = ::pwrite(volume, sector.data(), sector.size(), 0);
    } while (done < 0 && errno == EINTR);
    if (done < 0) return fail_errno(errno, "cannot write the partition table");
    if (done != static_cast<ssize_t>(sector.size())) return fail(Errc::Io, "the partition table was written in part");
    if (::fsync(volume) != 0) return fail_errno(errno, "cannot bring the partition table to disk");
    return {};
}

}  // namespace

Result<Layout> plan(Bytes volume, Bytes swap) {
    if (volume > largest_table)
        return fail(Errc::TooLarge,
                    "a volume of " + base::human(volume) + " is too large for this layout, which ends at " + base::human(largest_table));
    if (swap.count == 0) return fail(Errc::InvalidArgument, "the swap partition needs a size");
    const auto all = volume.count / mebibyte;
    const auto swap_mebibytes = swap.count / mebibyte + (swap.count % mebibyte != 0 ? 1 : 0);
    // The table, the changes, and the swap.
    if (all < 3 || swap_mebibytes > all - 2)
        return fail(Errc::InvalidArgument, "a volume of " + base::human(volume) + " has no room for " + base::human(swap) +
                                               " of swap and the changes to the root");
    const auto changes_end = all - swap_mebibytes;
    return Layout{.changes = {Bytes{mebibyte}, Bytes{(changes_end - 1) * mebibyte}},
                  .swap = {Bytes{changes_end * mebibyte}, Bytes{swap_mebibytes * mebibyte}}};
}

Result<Layout> ensure_layout(int volume, Bytes swap) {
    const auto size = TRY(size_of(volume));
    const auto layout = TRY(plan(size, swap));
    const auto table = TRY(table_of(size, layout));
    const auto head = TRY(read_head(volume));
    if (std::ranges::equal(std::span(head).subspan(table_offset, table.size() - table_offset), std::span(table).subspan(table_offset)))
        return layout;
    if (std::ranges::any_of(head, [](unsigned char byte) { return byte != 0; }))
        return fail(Errc::Exists, "the volume has content already; stop it and start it anew, so that it is empty");
    TRY(write_sector(volume, table));
    return layout;
}

}  // namespace varve::guest_layout
