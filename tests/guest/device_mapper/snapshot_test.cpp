// SPDX-License-Identifier: LGPL-2.1-or-later
// Snapshots as the driver `file` stacks them.
#include "tests/guest/device_mapper/real_devices.h"
#include "tests/support/waiting.h"

#include <chrono>
#include <thread>

namespace varve::device_mapper_test {
namespace {

using base::Errc;
using kernel::SnapshotFault;
using kernel::SnapshotOriginTarget;
using kernel::SnapshotStatus;
using kernel::SnapshotStore;
using kernel::SnapshotTarget;
using kernel::SnapshotUsage;

constexpr base::SectorCount chunk{256};
constexpr std::uint64_t chunk_bytes = 128 << 10;
constexpr std::uint64_t size = 8 * mib;

class Snapshot : public RealDevices {
protected:
    // Snapshots are made while the origin is suspended, when it runs: snapshot.rst.
    void add_version(const std::string& own, kernel::DeviceNumber base, Disk& cow, SnapshotStore store = SnapshotStore::Persistent) {
        ASSERT_TRUE(mapper().suspend(name("origin"), {}));
        make(own, size, SnapshotTarget{base, cow.number(), store, chunk});
        ASSERT_TRUE(mapper().resume(name("origin")));
    }
    SnapshotStatus status(const std::string& own) { return kernel::snapshot_status(mapper(), name(own)).value(); }
    bool has_exceptions(const std::string& own) { return std::get<SnapshotUsage>(status(own)).has_exceptions(); }
};

// The template is written while VMs based on two of its versions run: each sees exactly its own.
TEST_F(Snapshot, EveryVersionStaysWhatItWas) {
    auto& image = make_disk(size);
    write_at(image.path(), 0, size, 'A');
    make("origin", size, SnapshotOriginTarget{image.number()});
    add_version("first", image.number(), make_disk(size));
    make("vm1", size,
         SnapshotTarget{mapper().find(name("first")).value()->device, make_disk(size).number(), SnapshotStore::Persistent, chunk});
    EXPECT_FALSE(has_exceptions("first"));

    write_at(node("origin"), mib, mib, 'B');
    EXPECT_TRUE(has_exceptions("first"));
    add_version("second", image.number(), make_disk(size));
    EXPECT_FALSE(has_exceptions("second"));
    write_at(node("origin"), mib, 2 * mib, 'C');
    write_at(node("vm1"), 4 * mib, mib, 'V');

    EXPECT_EQ(read_at(node("first"), 0, size), 'A');
    EXPECT_EQ(read_at(node("vm1"), 0, 4 * mib), 'A');
    EXPECT_EQ(read_at(node("vm1"), 4 * mib, mib), 'V');
    EXPECT_EQ(read_at(node("vm1"), 5 * mib, 3 * mib), 'A');
    EXPECT_EQ(read_at(node("second"), 0, mib), 'A');
    EXPECT_EQ(read_at(node("second"), mib, mib), 'B');
    EXPECT_EQ(read_at(node("second"), 2 * mib, 6 * mib), 'A');
    EXPECT_EQ(read_at(node("origin"), mib, 2 * mib), 'C');
    EXPECT_EQ(read_at(image.path(), 4 * mib, 4 * mib), 'A');
}

TEST_F(Snapshot, ExceptionsSurviveTheDevice) {
    auto& image = make_disk(size);
    auto& cow = make_disk(size);
    write_at(image.path(), 0, size, 'A');
    const SnapshotTarget target{image.number(), cow.number(), SnapshotStore::Persistent, chunk};
    make("vm", size, target);
    write_at(node("vm"), 0, chunk_bytes, 'V');
    const auto before = status("vm");
    remove("vm");
    make("vm", size, target);
    EXPECT_EQ(status("vm"), before);
    EXPECT_EQ(read_at(node("vm"), 0, chunk_bytes), 'V');
    EXPECT_EQ(read_at(node("vm"), chunk_bytes, mib), 'A');
}

TEST_F(Snapshot, AFullStoreMakesItInvalid) {
    auto& image = make_disk(size);
    write_at(image.path(), 0, size, 'A');
    make("origin", size, SnapshotOriginTarget{image.number()});
    auto& cow = make_disk(4 * chunk_bytes);
    add_version("first", image.number(), cow);
    write_at(node("origin"), 0, 2 * chunk_bytes, 'B');
    EXPECT_EQ(status("first"), SnapshotStatus(SnapshotUsage({4 * chunk.count}, {4 * chunk.count}, {2 * chunk.count})));
    EXPECT_EQ(read_at(node("first"), 0, chunk_bytes), 'A');
    write_at(node("origin"), 4 * chunk_bytes, chunk_bytes, 'B');
    EXPECT_EQ(status("first"), SnapshotStatus(SnapshotFault::Invalid));
    EXPECT_EQ(read_at(node("first"), 0, chunk_bytes), '!');
    EXPECT_EQ(read_at(node("origin"), 4 * chunk_bytes, chunk_bytes), 'B') << "the origin goes on";

    // Its header says so: it stays invalid.
    remove("first");
    add_version("first", image.number(), cow);
    EXPECT_EQ(status("first"), SnapshotStatus(SnapshotFault::Invalid));
}

TEST_F(Snapshot, AnOverflowByItsOwnWritesIsToldApart) {
    auto& image = make_disk(size);
    make("vm", size, SnapshotTarget{image.number(), make_disk(4 * chunk_bytes).number(), SnapshotStore::PersistentOverflow, chunk});
    write_at(node("vm"), 0, 2 * chunk_bytes, 'V');
    EXPECT_FALSE(can_write_at(node("vm"), 4 * chunk_bytes, chunk_bytes, 'V'));
    EXPECT_EQ(status("vm"), SnapshotStatus(SnapshotFault::Overflow));
    EXPECT_EQ(read_at(node("vm"), 0, 2 * chunk_bytes), 'V') << "what was written is still there";
}

TEST_F(Snapshot, AForeignHeaderIsRefused) {
    auto& image = make_disk(size);
    auto& cow = make_disk(size);
    write_at(cow.path(), 0, chunk_bytes, 'X');
    const auto made = try_to_make("vm", size, SnapshotTarget{image.number(), cow.number(), SnapshotStore::Persistent, chunk});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::Corrupt) << made.error().message();
    EXPECT_FALSE(mapper().find(name("vm")).value());
}

TEST_F(Snapshot, IsMergedBack) {
    auto& image = make_disk(size);
    auto& cow = make_disk(size);
    write_at(image.path(), 0, size, 'A');
    const SnapshotTarget target{image.number(), cow.number(), SnapshotStore::Persistent, chunk};
    make("vm", size, target);
    write_at(node("vm"), mib, mib, 'V');
    remove("vm");
    make("merging", size, kernel::SnapshotMergeTarget{target});
    EXPECT_EQ(mapper().table(name("merging")).value(), kernel::DmTable::of(sectors(size), kernel::SnapshotMergeTarget{target}).value());
    EXPECT_TRUE(test_support::eventually([&] { return !has_exceptions("merging"); }));
    remove("merging");
    EXPECT_EQ(read_at(image.path(), mib, mib), 'V');
    EXPECT_EQ(read_at(image.path(), 0, mib), 'A');
}

}  // namespace
}  // namespace varve::device_mapper_test
