// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/device_mapper_contract.h"
#include "tests/support/waiting.h"

#include "drivers/kernel/dm_steps.h"
#include "drivers/kernel/thin_messages.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

namespace varve::test_support {

using base::Errc;
using kernel::DeviceNumber;
using kernel::DmAccess;
using kernel::DmTable;
using kernel::SnapshotStore;
using kernel::SnapshotTarget;

constexpr std::uint64_t disk_sectors = 2048;

void DeviceMapperContract::TearDown() {
    // From the top: what stands on others goes first, so some rounds may be needed.
    auto left = mapper().list("VARVE-test-").value();
    for (std::size_t round = left.size(); round != 0 && !left.empty(); --round) {
        for (const auto& device : left) (void)mapper().remove(kernel::DmName::parse(device.name).value());
        left = mapper().list("VARVE-test-").value();
    }
    EXPECT_TRUE(left.empty()) << left.front().name << " is still there";
}

DmTable DeviceMapperContract::linear(DeviceNumber disk, std::uint64_t sectors, std::uint64_t offset) {
    return DmTable::of({sectors}, kernel::LinearTarget{disk, {offset}}).value();
}

DeviceNumber DeviceMapperContract::make(const std::string& own) {
    const auto made = mapper().create(name(own), uuid(own), linear(world().make_disk({disk_sectors}), disk_sectors), DmAccess::ReadWrite);
    EXPECT_TRUE(made) << made.error().message();
    return made.value_or(DeviceNumber{});
}

kernel::DmInfo DeviceMapperContract::info(const std::string& own) {
    const auto found = mapper().find(name(own));
    EXPECT_TRUE(found && *found) << own;
    return found && *found ? **found : kernel::DmInfo{};
}

TEST_P(DeviceMapperContract, KnowsWhichTargetsThereAre) {
    for (const std::string there : {"linear", "snapshot", "thin-pool", "crypt"}) EXPECT_TRUE(mapper().has_target(there).value()) << there;
    EXPECT_FALSE(mapper().has_target("no-such-target").value());
    EXPECT_EQ(mapper().has_target("no name").error().code, Errc::InvalidName);
}

TEST_P(DeviceMapperContract, AMadeDeviceRuns) {
    const auto disk = world().make_disk({disk_sectors});
    const auto table = linear(disk, 1024, 8);
    const auto number = mapper().create(name("a"), uuid("a"), table, DmAccess::ReadOnly);
    ASSERT_TRUE(number) << number.error().message();

    const auto by_name = mapper().find(name("a")).value();
    ASSERT_TRUE(by_name);
    EXPECT_EQ(by_name->name, name("a").str());
    EXPECT_EQ(by_name->uuid, uuid("a").str());
    EXPECT_EQ(by_name->device, *number);
    EXPECT_TRUE(by_name->live_table);
    EXPECT_TRUE(by_name->read_only);
    EXPECT_FALSE(by_name->inactive_table || by_name->suspended || by_name->removed_when_unused);
    EXPECT_EQ(by_name->open_count, 0U);
    EXPECT_EQ(mapper().find(uuid("a")).value()->device, *number);
    EXPECT_EQ(mapper().find(*number).value()->name, name("a").str());
    EXPECT_EQ(mapper().table(name("a")).value(), table);
    EXPECT_EQ(mapper().devices_below(name("a")).value(), std::vector<DeviceNumber>{disk});
}

TEST_P(DeviceMapperContract, NamesAndUuidsAreTakenOnce) {
    make("a");
    const auto table = linear(world().make_disk({disk_sectors}), 8);
    EXPECT_EQ(mapper().create(name("a"), uuid("b"), table, DmAccess::ReadWrite).error().code, Errc::Exists);
    EXPECT_EQ(mapper().create(name("b"), uuid("a"), table, DmAccess::ReadWrite).error().code, Errc::Exists);
    EXPECT_FALSE(mapper().find(name("b")).value());
    EXPECT_EQ(info("a").uuid, uuid("a").str());
}

TEST_P(DeviceMapperContract, WhatCannotBeMadeLeavesNothing) {
    const auto disk = world().make_disk({disk_sectors});
    const std::vector<std::pair<DmTable, Errc>> bad{
        {linear({8, 4095}, 8), Errc::NotFound},
        {linear(disk, disk_sectors + 1), Errc::InvalidArgument},
        {linear(disk, 16, disk_sectors - 8), Errc::InvalidArgument},
        {DmTable::of({8}, SnapshotTarget{disk, world().make_disk({disk_sectors}), SnapshotStore::Persistent, {24}}).value(),
         Errc::InvalidArgument},
    };
    for (const auto& [table, code] : bad) {
        const auto made = mapper().create(name("a"), uuid("a"), table, DmAccess::ReadWrite);
        ASSERT_FALSE(made) << table.text().view();
        EXPECT_EQ(made.error().code, code) << table.text().view() << made.error().message();
        EXPECT_FALSE(mapper().find(name("a")).value()) << table.text().view();
    }
    make("a");
}

TEST_P(DeviceMapperContract, NobodyIsNotFound) {
    const auto none = name("none");
    const auto table = linear(world().make_disk({disk_sectors}), 8);
    EXPECT_FALSE(mapper().find(none).value());
    EXPECT_FALSE(mapper().find(uuid("none")).value());
    EXPECT_EQ(mapper().load(none, table, DmAccess::ReadWrite).error().code, Errc::NotFound);
    EXPECT_EQ(mapper().clear(none).error().code, Errc::NotFound);
    EXPECT_EQ(mapper().suspend(none, {}).error().code, Errc::NotFound);
    EXPECT_EQ(mapper().resume(none).error().code, Errc::NotFound);
    EXPECT_EQ(mapper().remove(none).error().code, Errc::NotFound);
    EXPECT_EQ(mapper().remove_when_unused(none).error().code, Errc::NotFound);
    EXPECT_EQ(mapper().keep(none).error().code, Errc::NotFound);
    EXPECT_EQ(mapper().rename(none, name("b")).error().code, Errc::NotFound);
    EXPECT_EQ(mapper().table(none).error().code, Errc::NotFound);
    EXPECT_EQ(mapper().status(none).error().code, Errc::NotFound);
    EXPECT_EQ(mapper().devices_below(none).error().code, Errc::NotFound);
    EXPECT_EQ(mapper().message(none, {}, "hello").error().code, Errc::NotFound);
    EXPECT_TRUE(kernel::remove_if_there(mapper(), none));
}

TEST_P(DeviceMapperContract, AnOpenDeviceStays) {
    make("a");
    world().open(name("a"));
    EXPECT_EQ(info("a").open_count, 1U);
    EXPECT_EQ(mapper().remove(name("a")).error().code, Errc::Busy);
    world().close(name("a"));
    EXPECT_EQ(info("a").open_count, 0U);
    EXPECT_TRUE(mapper().remove(name("a")));
    EXPECT_FALSE(mapper().find(name("a")).value());
}

TEST_P(DeviceMapperContract, ADeviceThatAnotherStandsOnStays) {
    const auto below = make("below");
    ASSERT_TRUE(mapper().create(name("above"), uuid("above"), linear(below, 8), DmAccess::ReadWrite));
    EXPECT_EQ(info("below").open_count, 1U);
    EXPECT_EQ(mapper().remove(name("below")).error().code, Errc::Busy);
    EXPECT_TRUE(mapper().remove(name("above")));
    EXPECT_TRUE(mapper().remove(name("below")));
}

TEST_P(DeviceMapperContract, ALoadedTableWaitsForResume) {
    make("a");
    const auto before = mapper().table(name("a")).value();
    const auto after = linear(world().make_disk({disk_sectors}), 512);
    ASSERT_TRUE(mapper().load(name("a"), after, DmAccess::ReadWrite));
    EXPECT_TRUE(info("a").inactive_table);
    EXPECT_EQ(mapper().table(name("a")).value(), before);

    ASSERT_TRUE(mapper().clear(name("a")));
    EXPECT_FALSE(info("a").inactive_table);
    EXPECT_TRUE(mapper().clear(name("a")));

    ASSERT_TRUE(mapper().load(name("a"), after, DmAccess::ReadWrite));
    ASSERT_TRUE(mapper().suspend(name("a"), {}));
    EXPECT_TRUE(info("a").suspended);
    EXPECT_TRUE(mapper().suspend(name("a"), {}));
    ASSERT_TRUE(mapper().resume(name("a")));
    EXPECT_FALSE(info("a").suspended || info("a").inactive_table);
    EXPECT_TRUE(mapper().resume(name("a")));
    EXPECT_EQ(mapper().table(name("a")).value(), after);
}

TEST_P(DeviceMapperContract, ATableIsSwitchedOrKept) {
    make("a");
    const auto before = mapper().table(name("a")).value();
    const auto small = world().make_disk({disk_sectors});
    EXPECT_EQ(kernel::switch_table(mapper(), name("a"), linear(small, disk_sectors + 8), DmAccess::ReadWrite, {}).error().code,
              Errc::InvalidArgument);
    EXPECT_EQ(mapper().table(name("a")).value(), before);
    EXPECT_FALSE(info("a").suspended || info("a").inactive_table);

    const auto large = linear(world().make_disk({2 * disk_sectors}), 2 * disk_sectors);
    const kernel::DmSuspend quick{.lock_filesystem = false, .flush = true};
    ASSERT_TRUE(kernel::switch_table(mapper(), name("a"), large, DmAccess::ReadWrite, quick));
    EXPECT_EQ(mapper().table(name("a")).value(), large);
    EXPECT_FALSE(info("a").suspended || info("a").inactive_table);
}

TEST_P(DeviceMapperContract, ARenamedDeviceIsTheSame) {
    const auto number = make("a");
    make("b");
    EXPECT_EQ(mapper().rename(name("a"), name("b")).error().code, Errc::Exists);
    world().open(name("a"));
    ASSERT_TRUE(mapper().rename(name("a"), name("c")));
    EXPECT_FALSE(mapper().find(name("a")).value());
    EXPECT_EQ(info("c").device, number);
    EXPECT_EQ(info("c").uuid, uuid("a").str());
    ASSERT_TRUE(mapper().rename(name("c"), name("a")));
    world().close(name("a"));
}

TEST_P(DeviceMapperContract, ListsByThePrefixOfTheUuid) {
    make("work:root");
    make("work:private");
    make("other:root");
    const auto names_of = [&](const std::string& prefix) {
        std::vector<std::string> names;
        const auto devices = mapper().list(prefix).value();
        for (const auto& device : devices) names.push_back(device.name);
        return names;
    };
    EXPECT_EQ(names_of("VARVE-test-work:"), (std::vector{name("work:private").str(), name("work:root").str()}));
    EXPECT_EQ(names_of("VARVE-test-").size(), 3U);
    EXPECT_TRUE(names_of("VARVE-test-nobody").empty());
    const auto all = names_of("");
    EXPECT_EQ(std::ranges::count(all, name("other:root").str()), 1);
    EXPECT_EQ(mapper().list("VARVE-test-other:").value(), std::vector{info("other:root")});
}

TEST_P(DeviceMapperContract, MayGoWithItsLastUser) {
    make("a");
    ASSERT_TRUE(mapper().remove_when_unused(name("a")));
    EXPECT_FALSE(mapper().find(name("a")).value());

    make("b");
    world().open(name("b"));
    ASSERT_TRUE(mapper().remove_when_unused(name("b")));
    EXPECT_TRUE(info("b").removed_when_unused);
    world().close(name("b"));
    // Linux does it a little later, in a work queue.
    EXPECT_TRUE(eventually([&] { return !mapper().find(name("b")).value(); }));
}

TEST_P(DeviceMapperContract, MayBeKeptAfterAll) {
    make("a");
    world().open(name("a"));
    ASSERT_TRUE(mapper().remove_when_unused(name("a")));
    ASSERT_TRUE(mapper().keep(name("a")));
    EXPECT_FALSE(info("a").removed_when_unused);
    EXPECT_TRUE(mapper().keep(name("a")));
    world().close(name("a"));
    EXPECT_EQ(info("a").open_count, 0U);
}

TEST_P(DeviceMapperContract, ABatchIsWaitedForOnce) {
    {
        kernel::DmBatch batch(mapper());
        const auto disk = world().make_disk({disk_sectors});
        const auto below = mapper().create(name("below"), uuid("below"), linear(disk, 64), DmAccess::ReadWrite, batch.pending());
        ASSERT_TRUE(below) << below.error().message();
        const auto above = mapper().create(name("above"), uuid("above"), linear(*below, 32), DmAccess::ReadWrite, batch.pending());
        ASSERT_TRUE(above) << above.error().message();
        EXPECT_FALSE(mapper().create(name("above"), uuid("x"), linear(*below, 32), DmAccess::ReadWrite, batch.pending()));
        ASSERT_TRUE(batch.settle());
        EXPECT_TRUE(batch.settle());
    }
    world().open(name("above"));
    world().close(name("above"));
    kernel::DmBatch batch(mapper());
    EXPECT_TRUE(mapper().remove(name("above"), batch.pending()));
    EXPECT_TRUE(mapper().remove(name("below"), batch.pending()));
    EXPECT_TRUE(batch.settle());
    EXPECT_TRUE(mapper().list("VARVE-test-").value().empty());
}

TEST_P(DeviceMapperContract, AGuardTakesAwayWhatWasNotFinished) {
    make("a");
    make("b");
    {
        const kernel::DmDeviceGuard unfinished(mapper(), name("a"));
        kernel::DmDeviceGuard finished(mapper(), name("b"));
        auto moved = std::move(finished);
        moved.release();
    }
    EXPECT_FALSE(mapper().find(name("a")).value());
    EXPECT_TRUE(mapper().find(name("b")).value());
}

TEST_P(DeviceMapperContract, ANewSnapshotHasNoExceptions) {
    const auto origin = make("origin");
    const auto cow = world().make_disk({disk_sectors});
    const auto table = DmTable::of({disk_sectors}, SnapshotTarget{origin, cow, SnapshotStore::Persistent, {256}}).value();
    ASSERT_TRUE(mapper().create(name("snapshot"), uuid("snapshot"), table, DmAccess::ReadWrite));
    EXPECT_EQ(mapper().table(name("snapshot")).value(), table);
    const auto status = kernel::snapshot_status(mapper(), name("snapshot"));
    ASSERT_TRUE(status) << status.error().message();
    const auto& usage = std::get<kernel::SnapshotUsage>(*status);
    EXPECT_FALSE(usage.has_exceptions());
    EXPECT_EQ(usage.total, base::SectorCount{disk_sectors});
    EXPECT_EQ(kernel::snapshot_status(mapper(), name("origin")).error().code, Errc::InvalidArgument);
}

TEST_P(DeviceMapperContract, AThinPoolTakesMessages) {
    const auto metadata = world().make_disk({4096});
    const auto data = world().make_disk({128 * 16});
    const auto pool_table = DmTable::of({128 * 16}, kernel::ThinPoolTarget{metadata, data, {128}, 4}).value();
    const auto pool = mapper().create(name("pool"), uuid("pool"), pool_table, DmAccess::ReadWrite);
    ASSERT_TRUE(pool) << pool.error().message();
    EXPECT_EQ(mapper().table(name("pool")).value(), pool_table);
    ASSERT_TRUE(mapper().message(name("pool"), {}, kernel::thin_message::create({3})));
    EXPECT_EQ(mapper().message(name("pool"), {}, kernel::thin_message::create({3})).error().code, Errc::Exists);
    const auto thin_table = DmTable::of({1024}, kernel::ThinTarget{*pool, {3}, {}}).value();
    ASSERT_TRUE(mapper().create(name("thin"), uuid("thin"), thin_table, DmAccess::ReadWrite));
    EXPECT_EQ(kernel::thin_status(mapper(), name("thin")).value(), kernel::ThinStatus(kernel::ThinUsage{}));
    const auto usage = std::get<kernel::ThinPoolUsage>(kernel::thin_pool_status(mapper(), name("pool")).value());
    EXPECT_EQ(usage.mode, kernel::ThinPoolMode::ReadWrite);
    EXPECT_EQ(usage.data.used, 0U);
    EXPECT_EQ(mapper().remove(name("pool")).error().code, Errc::Busy);
    ASSERT_TRUE(mapper().message(name("pool"), {}, kernel::thin_message::reserve_metadata()));
    EXPECT_EQ(mapper().message(name("pool"), {}, kernel::thin_message::reserve_metadata()).error().code, Errc::Busy);
    EXPECT_TRUE(mapper().message(name("pool"), {}, kernel::thin_message::release_metadata()));
    EXPECT_FALSE(mapper().message(name("pool"), {}, kernel::thin_message::release_metadata()));

    ASSERT_TRUE(mapper().remove(name("thin")));
    EXPECT_TRUE(mapper().message(name("pool"), {}, kernel::thin_message::remove({3})));
    EXPECT_FALSE(mapper().message(name("pool"), {}, kernel::thin_message::remove({3})));
    make("linear");
    EXPECT_EQ(mapper().message(name("linear"), {}, "hello").error().code, Errc::InvalidArgument);
}

}  // namespace varve::test_support
