// SPDX-License-Identifier: LGPL-2.1-or-later
// Growing what runs: the file, its loop device, the table.
#include "tests/guest/device_mapper/real_devices.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

namespace varve::device_mapper_test {
namespace {

using kernel::DmAccess;
using kernel::DmTable;
using kernel::SnapshotOriginTarget;

std::uint64_t size_seen(const base::UniqueFd& device) {
    std::uint64_t bytes = 0;
    EXPECT_EQ(::ioctl(device.get(), BLKGETSIZE64, &bytes), 0);
    return bytes;
}

class Resize : public RealDevices {
protected:
    // As a VM that has it open sees it.
    void grow_open_device(Disk& disk, const kernel::DmTargetKind& kind) {
        const base::UniqueFd used(::open(node("grown").c_str(), O_RDWR | O_CLOEXEC));
        ASSERT_TRUE(used.valid());
        ASSERT_EQ(size_seen(used), 4 * mib);
        write_at(node("grown"), 0, 4 * mib, 'A');
        disk.grow(6 * mib);
        const auto larger = DmTable::of(sectors(6 * mib), kind).value();
        const auto switched = kernel::switch_table(mapper(), name("grown"), larger, DmAccess::ReadWrite, {.lock_filesystem = false});
        ASSERT_TRUE(switched) << switched.error().message();
        EXPECT_EQ(size_seen(used), 6 * mib);
        write_at(node("grown"), 4 * mib, 2 * mib, 'B');
        EXPECT_EQ(read_at(node("grown"), 0, 4 * mib), 'A');
        EXPECT_EQ(read_at(disk.path(), 4 * mib, 2 * mib), 'B');
    }
};

TEST_F(Resize, ALinearDeviceGrowsWhileItIsOpen) {
    auto& disk = make_disk(4 * mib);
    const kernel::LinearTarget target{disk.number(), {0}};
    make("grown", 4 * mib, target);
    grow_open_device(disk, target);
}

TEST_F(Resize, AnOriginGrowsWhileASnapshotOfItsOldSizeRuns) {
    auto& disk = make_disk(4 * mib);
    write_at(disk.path(), 0, 4 * mib, 'O');
    const SnapshotOriginTarget target{disk.number()};
    make("grown", 4 * mib, target);
    ASSERT_TRUE(mapper().suspend(name("grown"), {}));
    make("snapshot", 4 * mib, kernel::SnapshotTarget{disk.number(), make_disk(8 * mib).number(), kernel::SnapshotStore::Persistent, {256}});
    ASSERT_TRUE(mapper().resume(name("grown")));
    grow_open_device(disk, target);
    EXPECT_EQ(read_at(node("snapshot"), 0, 4 * mib), 'O');
    EXPECT_EQ(mapper().table(name("snapshot")).value().size(), sectors(4 * mib));
}

}  // namespace
}  // namespace varve::device_mapper_test
