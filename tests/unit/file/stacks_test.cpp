// SPDX-License-Identifier: LGPL-2.1-or-later
// What devices the stacks are made of, and who stays. Without data: tests/guest/file has that.
#include "tests/unit/file/stacks_world.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

namespace varve::file {
namespace {

using base::Errc;
using Kind = DeviceRole::Kind;

class FileStacks : public testing::Test {
protected:
    void TearDown() override { EXPECT_EQ(devices_.forbidden(), std::vector<std::string>{}); }

    // The end of the process, and the next one.
    void restart() {
        process_.reset();
        process_.emplace(devices_);
    }
    Stacks& stacks() { return process_->stacks; }
    kernel::DeviceMapper& mapper() { return process_->mapper; }

    FileId id(const base::UniqueFd& file) { return process_->loops.backing_of(file.get()).value(); }
    std::optional<PoolDevice> device(const DeviceRole& role) {
        process_->nodes.notice_closed();
        const auto all = PoolDevices::look(mapper(), names_).value().all();
        const auto found = std::ranges::find_if(all, [&](const PoolDevice& device) { return device.role == role; });
        return found == all.end() ? std::nullopt : std::optional(*found);
    }
    std::optional<PoolDevice> origin_of(const TestVolume& volume) { return device({Kind::Origin, id(volume.image), id(volume.cow), {}}); }
    std::optional<PoolDevice> middle_of(const TestVolume& volume) { return device({Kind::Middle, id(volume.image), id(volume.cow), {}}); }
    std::optional<PoolDevice> old_middle_of(const TestVolume& volume) {
        return device({Kind::Middle, id(volume.image), id(volume.old_cow), {}});
    }
    std::size_t count() {
        process_->nodes.notice_closed();
        return mapper().list({}).value().size();
    }
    std::size_t loops() { return process_->loops.list().value().size(); }
    kernel::SnapshotTarget snapshot(const kernel::DmName& name) {
        return std::get<kernel::SnapshotTarget>(mapper().table(name).value().targets().front().kind);
    }
    kernel::DeviceNumber origin_loop(const kernel::DmName& name) {
        return std::get<kernel::SnapshotOriginTarget>(mapper().table(name).value().targets().front().kind).origin;
    }
    // A started VM: its guest's device is open.
    GuestDevice run_origin(const TestVolume& volume) {
        const auto started = stacks().start_origin(volume.files());
        EXPECT_TRUE(started) << started.error().message();
        devices_.open(started->number);
        return *started;
    }
    GuestDevice run_snapshot(const TestVolume& source, const TestSnapshot& vm) {
        const auto started = stacks().start_snapshot(source.files(), vm.own());
        EXPECT_TRUE(started) << started.error().message();
        devices_.open(started->number);
        return *started;
    }
    void halt_origin(TestVolume& volume, const GuestDevice& device) {
        devices_.close(device.number);
        const auto stopped = stacks().stop_origin(volume.name, volume.image.get());
        EXPECT_TRUE(stopped) << stopped.error().message();
        volume.commit();
    }
    void halt_snapshot(const TestSnapshot& vm, const GuestDevice& device) {
        devices_.close(device.number);
        EXPECT_TRUE(stacks().stop_snapshot(vm.name, vm.cow.get()));
    }

    fakes::FakeBlockDevices devices_;
    std::optional<StacksProcess> process_{std::in_place, devices_};
    DeviceNames names_{test_pool};
    TestVolume template_{"fedora/root"};
    TestSnapshot vm1_{"work/root"};
    TestSnapshot vm2_{"mail/root"};
};

TEST_F(FileStacks, AnOriginStandsBesideItsMiddleDevice) {
    const auto started = stacks().start_origin(template_.files());
    ASSERT_TRUE(started) << started.error().message();
    EXPECT_EQ(started->path(), "/dev/mapper/" + started->name.str());
    const auto middle = middle_of(template_).value();
    const auto table = snapshot(middle.name);
    EXPECT_EQ(table.chunk, cow_chunk);
    EXPECT_EQ(table.store, kernel::SnapshotStore::Persistent);
    EXPECT_EQ(table.origin, origin_loop(started->name)) << "the kernel goes by the loop device";
    EXPECT_TRUE(middle.info.read_only);
    EXPECT_FALSE(middle.info.removed_when_unused);
    EXPECT_FALSE(origin_of(template_)->info.read_only);
    EXPECT_EQ(loops(), 2U);
    EXPECT_EQ(stacks().start_origin(template_.files()).value().number, started->number);
    EXPECT_EQ(count(), 2U);

    const auto session = stacks().origin_session(template_.image.get()).value().value();
    EXPECT_EQ(session.device.number, started->number);
    EXPECT_FALSE(session.open);
    ASSERT_TRUE(stacks().stop_origin(template_.name, template_.image.get()));
    EXPECT_EQ(count() + loops(), 0U);
    EXPECT_TRUE(stacks().stop_origin(template_.name, template_.image.get()));
    EXPECT_FALSE(stacks().origin_session(template_.image.get()).value());
}

TEST_F(FileStacks, VmsOnOneVersionShareTheMiddleDevice) {
    const auto first = run_snapshot(template_, vm1_);
    const auto second = run_snapshot(template_, vm2_);
    EXPECT_EQ(snapshot(first.name).origin, middle_of(template_)->info.device);
    EXPECT_EQ(snapshot(second.name).origin, middle_of(template_)->info.device);
    EXPECT_EQ(count(), 3U);
    EXPECT_EQ(loops(), 4U);
    EXPECT_TRUE(middle_of(template_)->info.removed_when_unused);
    halt_snapshot(vm1_, first);
    EXPECT_EQ(count(), 2U);
    halt_snapshot(vm2_, second);
    EXPECT_EQ(count() + loops(), 0U) << "all goes with the last user";
    EXPECT_TRUE(stacks().stop_snapshot(vm2_.name, vm2_.cow.get()));
}

TEST_F(FileStacks, VmsThatStartAtOnceShareItToo) {
    constexpr int vms = 8;
    std::vector<TestSnapshot> snapshots;
    for (int i = 0; i < vms; ++i) snapshots.emplace_back("vm" + std::to_string(i) + "/root");
    const auto at_once = [&](auto step) {
        std::vector<std::jthread> threads;
        for (const auto& snapshot : snapshots) threads.emplace_back([&snapshot, step] { EXPECT_TRUE(step(snapshot)) << snapshot.name; });
    };
    at_once([&](const TestSnapshot& vm) { return bool(stacks().start_snapshot(template_.files(), vm.own())); });
    EXPECT_EQ(count(), vms + 1U);
    EXPECT_EQ(loops(), vms + 2U);
    at_once([&](const TestSnapshot& vm) { return bool(stacks().stop_snapshot(vm.name, vm.cow.get())); });
    EXPECT_EQ(count() + loops(), 0U);
}

TEST_F(FileStacks, EveryVersionInUseStandsOnTheLoopDeviceOfTheOrigin) {
    auto running = run_origin(template_);
    const auto first = run_snapshot(template_, vm1_);
    EXPECT_FALSE(middle_of(template_)->info.removed_when_unused) << "the origin runs";
    halt_origin(template_, running);
    EXPECT_TRUE(old_middle_of(template_)->info.removed_when_unused);

    running = run_origin(template_);
    const auto second = run_snapshot(template_, vm2_);
    EXPECT_EQ(snapshot(old_middle_of(template_)->name).origin, origin_loop(running.name));
    EXPECT_EQ(snapshot(middle_of(template_)->name).origin, origin_loop(running.name));
    EXPECT_FALSE(old_middle_of(template_)->info.removed_when_unused) << "nothing may go by itself while the origin runs";

    EXPECT_EQ(stacks().snapshot_session(vm1_.cow.get()).value()->role.cow, id(template_.old_cow));
    EXPECT_EQ(stacks().snapshot_session(vm2_.cow.get()).value()->role.cow, id(template_.cow));

    halt_snapshot(vm1_, first);
    EXPECT_FALSE(old_middle_of(template_)) << "unloaded, with the origin suspended";
    EXPECT_FALSE(origin_of(template_)->info.suspended);
    halt_snapshot(vm2_, second);
    EXPECT_TRUE(middle_of(template_)) << "it keeps the state from before the start";
    halt_origin(template_, running);
    EXPECT_EQ(count() + loops(), 0U);
}

TEST_F(FileStacks, ADeviceInUseIsBusy) {
    const auto running = run_origin(template_);
    const auto vm = run_snapshot(template_, vm1_);
    const auto stopped = stacks().stop_origin(template_.name, template_.image.get());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Errc::Busy);
    EXPECT_NE(stopped.error().message().find("'fedora/root' is in use"), std::string::npos) << stopped.error().message();
    EXPECT_EQ(stacks().stop_snapshot(vm1_.name, vm1_.cow.get()).error().code, Errc::Busy);
    EXPECT_TRUE(stacks().origin_session(template_.image.get()).value()->open);
    EXPECT_EQ(count(), 3U);
}

TEST_F(FileStacks, AStateIsReadThroughAMiddleDeviceThatGoesWithItsReader) {
    auto view = stacks().open_state(template_.files());
    ASSERT_TRUE(view) << view.error().message();
    EXPECT_EQ(count(), 1U);
    auto second = stacks().open_state(template_.files()).value();
    view->reset();
    EXPECT_EQ(count(), 1U);
    second.reset();
    EXPECT_EQ(count() + loops(), 0U);
}

TEST_F(FileStacks, AReaderFromBeforeTheStartKeepsItsState) {
    auto view = stacks().open_state(template_.files()).value();
    const auto before = middle_of(template_).value();
    EXPECT_TRUE(before.info.removed_when_unused);
    const auto running = run_origin(template_);
    EXPECT_EQ(middle_of(template_)->info.device, before.info.device);
    view.reset();
    EXPECT_TRUE(middle_of(template_)) << "it must not go with the reader while the origin runs";
    view = stacks().open_state(template_.files()).value();
    halt_origin(template_, running);
    EXPECT_EQ(count(), 1U);
    view.reset();
    EXPECT_EQ(count() + loops(), 0U);
}

TEST_F(FileStacks, AnOldVersionWhoseReaderLeavesWhileTheOriginIsMadeDoesNotGoByItself) {
    auto old_reader = stacks().open_state(template_.files()).value();
    template_.commit();
    auto reader = stacks().open_state(template_.files()).value();
    const auto old_name = old_middle_of(template_)->name;
    ASSERT_TRUE(old_middle_of(template_)->info.removed_when_unused);
    devices_.watch([&](fakes::Effect) {
        const bool runs = std::ranges::any_of(devices_.mapped(), [](const auto& entry) { return entry.first.starts_with("origin-"); });
        if (!runs || !old_reader.valid()) return;
        old_reader.reset();
        process_->nodes.notice_closed();
    });
    ASSERT_TRUE(stacks().start_origin(template_.files()));
    devices_.watch({});
    EXPECT_FALSE(old_reader.valid());
    EXPECT_FALSE(mapper().find(old_name).value()) << "it is removed when it is found unused";
}

TEST_F(FileStacks, AStateIsWholeSectors) {
    template_.size = {mib + 1};
    EXPECT_EQ(stacks().start_origin(template_.files()).error().code, Errc::InvalidArgument);
    EXPECT_EQ(stacks().open_state(template_.files()).error().code, Errc::InvalidArgument);
    template_.size = {};
    EXPECT_EQ(stacks().open_state(template_.files()).error().code, Errc::InvalidArgument);
    EXPECT_EQ(count() + loops(), 0U);
}

TEST_F(FileStacks, TheBaseOfASessionIsItsMiddleDevice) {
    EXPECT_EQ(stacks().open_base(vm1_.name, vm1_.cow.get()).error().code, Errc::NotFound);
    const auto vm = run_snapshot(template_, vm1_);
    const auto base = stacks().open_base(vm1_.name, vm1_.cow.get());
    ASSERT_TRUE(base) << base.error().message();
    EXPECT_EQ(middle_of(template_)->info.open_count, 2U);
    EXPECT_EQ(count(), 2U);
}

TEST_F(FileStacks, TheOldRevisionIsReadOnTopOfThePresentState) {
    template_.commit();
    const auto running = run_origin(template_);
    auto view = stacks().open_revision(template_.files(), template_.old());
    ASSERT_TRUE(view) << view.error().message();
    const DeviceRole role{Kind::Top, id(template_.image), id(template_.cow), id(template_.old_cow)};
    const auto top = device(role).value();
    EXPECT_TRUE(top.info.read_only);
    EXPECT_EQ(snapshot(top.name).origin, middle_of(template_)->info.device);
    auto second = stacks().open_revision(template_.files(), template_.old()).value();
    EXPECT_EQ(device(role)->info.open_count, 2U);
    view->reset();
    EXPECT_TRUE(device(role));
    second.reset();
    EXPECT_FALSE(device(role));
    EXPECT_EQ(count(), 2U);
}

TEST_F(FileStacks, TheOldRevisionOfAStoppedOriginLeavesNothing) {
    template_.commit();
    auto view = stacks().open_revision(template_.files(), template_.old()).value();
    EXPECT_EQ(count(), 2U);
    view.reset();
    EXPECT_EQ(count() + loops(), 0U);
}

TEST_F(FileStacks, TheOldRevisionThatVmsRunOnIsReadThroughTheirDevice) {
    auto running = run_origin(template_);
    const auto vm = run_snapshot(template_, vm1_);
    halt_origin(template_, running);
    running = run_origin(template_);
    const auto view = stacks().open_revision(template_.files(), template_.old());
    ASSERT_TRUE(view) << view.error().message();
    EXPECT_EQ(old_middle_of(template_)->info.open_count, 2U) << "one COW file must not be in two devices";
    EXPECT_EQ(count(), 4U);
}

TEST_F(FileStacks, ARunningOriginGrowsAndItsStatesDoNot) {
    auto running = run_origin(template_);
    const auto vm = run_snapshot(template_, vm1_);
    EXPECT_TRUE(stacks().grow_origin(template_.name, template_.image.get())) << "it has that size";
    ASSERT_EQ(::ftruncate(template_.image.get(), 6 * mib), 0);
    const auto grown = stacks().grow_origin(template_.name, template_.image.get());
    ASSERT_TRUE(grown) << grown.error().message();
    EXPECT_EQ(mapper().table(running.name).value().size(), base::SectorCount{6 * mib / 512});
    EXPECT_EQ(mapper().table(middle_of(template_)->name).value().size(), base::SectorCount{4 * mib / 512});
    EXPECT_EQ(mapper().table(vm.name).value().size(), base::SectorCount{4 * mib / 512});
    EXPECT_FALSE(origin_of(template_)->info.suspended);

    ASSERT_EQ(::ftruncate(template_.image.get(), 5 * mib), 0);
    EXPECT_EQ(stacks().grow_origin(template_.name, template_.image.get()).error().code, Errc::InvalidArgument);
    ASSERT_EQ(::ftruncate(template_.image.get(), 6 * mib), 0);
    template_.size = {6 * mib};
    halt_origin(template_, running);
    EXPECT_EQ(stacks().grow_origin(template_.name, template_.image.get()).error().code, Errc::NotFound);

    // The next session has the new size everywhere, on the loop device that the old version still needs.
    running = run_origin(template_);
    EXPECT_EQ(mapper().table(running.name).value().size(), base::SectorCount{6 * mib / 512});
    EXPECT_EQ(mapper().table(middle_of(template_)->name).value().size(), base::SectorCount{6 * mib / 512});
    EXPECT_EQ(mapper().table(old_middle_of(template_)->name).value().size(), base::SectorCount{4 * mib / 512});
}

TEST_F(FileStacks, AnImageThatGrewWhileItDidNotRunIsSeenAtItsNewSize) {
    const auto vm = run_snapshot(template_, vm1_);
    ASSERT_EQ(::ftruncate(template_.image.get(), 8 * mib), 0);
    template_.size = {8 * mib};
    template_.commit();
    const auto running = run_origin(template_);
    EXPECT_EQ(mapper().table(running.name).value().size(), base::SectorCount{8 * mib / 512});
}

TEST_F(FileStacks, ADirtySessionGoesOnWithItsState) {
    auto running = run_origin(template_);
    ASSERT_EQ(::ftruncate(template_.image.get(), 6 * mib), 0);
    ASSERT_TRUE(stacks().grow_origin(template_.name, template_.image.get()));
    process_.reset();
    devices_.reboot();
    process_.emplace(devices_);
    running = run_origin(template_);
    EXPECT_EQ(mapper().table(running.name).value().size(), base::SectorCount{6 * mib / 512});
    EXPECT_EQ(mapper().table(middle_of(template_)->name).value().size(), base::SectorCount{4 * mib / 512});
}

TEST_F(FileStacks, WhetherAnythingWasWrittenIsAskedOfTheDeviceOrTheFile) {
    EXPECT_EQ(stacks().use_of(template_.files()).value(), CowUse::Unused);
    const auto running = run_origin(template_);
    const auto vm = run_snapshot(template_, vm1_);
    EXPECT_EQ(stacks().use_of(template_.files()).value(), CowUse::Unused);
    devices_.set_status(middle_of(template_)->name.str(), "768/8704 512");
    EXPECT_EQ(stacks().use_of(template_.files()).value(), CowUse::Changed);
    EXPECT_EQ(stacks().use_of_own(vm1_.cow.get()).value(), CowUse::Unused);
    devices_.set_status(vm.name.str(), "Invalid");
    EXPECT_EQ(stacks().use_of_own(vm1_.cow.get()).value(), CowUse::Invalid);
    EXPECT_EQ(stacks().use_of_own(vm2_.cow.get()).value(), CowUse::Unused);
}

// ---- what is wrong is said exactly, and harms nothing else

TEST_F(FileStacks, AnInvalidStateIsSaidWithWhatToDo) {
    const auto running = run_origin(template_);
    const auto vm = run_snapshot(template_, vm1_);
    devices_.set_status(middle_of(template_)->name.str(), "Invalid");
    EXPECT_EQ(stacks().use_of(template_.files()).value(), CowUse::Invalid);
    const auto view = stacks().open_state(template_.files());
    ASSERT_FALSE(view);
    EXPECT_EQ(view.error().code, Errc::Corrupt);
    EXPECT_EQ(
        view.error().message(),
        "the COW file of 'fedora/root' was full or could not be written, so its state from before the start is lost; what was written "
        "since is whole: stop the volume to commit it");
    EXPECT_EQ(stacks().start_snapshot(template_.files(), vm2_.own()).error().code, Errc::Corrupt);
    EXPECT_EQ(stacks().open_base(vm1_.name, vm1_.cow.get()).error().message(),
              "what 'work/root' started from is lost: a COW file of its source was full or could not be written; restart its VM");
    devices_.close(running.number);
    EXPECT_TRUE(stacks().stop_origin(template_.name, template_.image.get())) << "the origin goes on and stops";
}

TEST_F(FileStacks, ADamagedCowFileStopsTheStartAndNothingElse) {
    TestVolume other("debian/root");
    const auto running = run_origin(other);
    const auto before = picture_of(devices_);
    ASSERT_EQ(::pwrite(template_.cow.get(), "PK\3\4", 4, 0), 4);
    for (const auto& failed : {stacks().start_origin(template_.files()), stacks().start_snapshot(template_.files(), vm1_.own())}) {
        ASSERT_FALSE(failed);
        EXPECT_EQ(failed.error().message(),
                  "'fedora/root': the COW file is damaged: it begins with something else than the header of a snapshot");
    }
    ASSERT_EQ(::ftruncate(vm2_.cow.get(), 4 * mib), 0);
    const auto small = stacks().start_snapshot(other.files(), vm2_.own());
    ASSERT_FALSE(small);
    EXPECT_NE(small.error().message().find("'mail/root': the COW file is too small"), std::string::npos) << small.error().message();
    EXPECT_EQ(picture_of(devices_), before);
}

TEST_F(FileStacks, AnImageThatWasCutOffIsRefused) {
    ASSERT_EQ(::ftruncate(template_.image.get(), mib), 0);
    const auto started = stacks().start_origin(template_.files());
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::Corrupt);
    EXPECT_EQ(count() + loops(), 0U);
}

TEST_F(FileStacks, ForeignDevicesWithOurNamesAreLeftAlone) {
    const auto disk = devices_.add_disk({64});
    const auto table = kernel::DmTable::of({64}, kernel::LinearTarget{disk, {0}}).value();
    const auto foreign = kernel::DmUuid::parse("somebody").value();
    const auto foreign_too = kernel::DmUuid::parse("VARVE-another-pool-s-1:2-3:4").value();
    const auto origin_name = names_.of({Kind::Origin, id(template_.image), id(template_.cow), {}}).value().name;
    const auto top_name = names_.of({Kind::Top, id(template_.image), id(template_.cow), id(vm1_.cow)}).value().name;
    ASSERT_TRUE(mapper().create(origin_name, foreign, table, kernel::DmAccess::ReadWrite));
    ASSERT_TRUE(mapper().create(top_name, foreign_too, table, kernel::DmAccess::ReadWrite));
    const auto before = picture_of(devices_);

    const auto started = stacks().start_origin(template_.files());
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::Exists);
    EXPECT_EQ(started.error().message(), "the device '" + origin_name.str() +
                                             "' is there already and not this pool's (its uuid is 'somebody'): another program uses the "
                                             "volume; end what uses it and remove the device");
    EXPECT_EQ(stacks().start_snapshot(template_.files(), vm1_.own()).error().code, Errc::Exists);
    EXPECT_TRUE(stacks().stop_origin(template_.name, template_.image.get()));
    EXPECT_TRUE(stacks().stop_snapshot(vm1_.name, vm1_.cow.get()));
    EXPECT_TRUE(stacks().recover());
    EXPECT_TRUE(stacks().tidy());
    EXPECT_EQ(picture_of(devices_), before);
}

TEST_F(FileStacks, AMiddleDeviceThatWasTakenAwayUnderARunningOriginIsNotMadeAgain) {
    const auto running = run_origin(template_);
    ASSERT_TRUE(mapper().suspend(running.name, {}));
    ASSERT_TRUE(mapper().remove(middle_of(template_)->name));
    ASSERT_TRUE(mapper().resume(running.name));
    const auto view = stacks().open_state(template_.files());
    ASSERT_FALSE(view);
    EXPECT_EQ(view.error().code, Errc::Corrupt) << view.error().message();
    EXPECT_FALSE(middle_of(template_)) << "what was written meanwhile would be missing in it";
    devices_.close(running.number);
    EXPECT_TRUE(stacks().stop_origin(template_.name, template_.image.get()));
}

TEST_F(FileStacks, TheCowFileIsNotExchangedUnderARunningOrigin) {
    const auto running = run_origin(template_);
    template_.commit();
    EXPECT_EQ(stacks().start_origin(template_.files()).error().code, Errc::Busy);
    EXPECT_EQ(stacks().open_state(template_.files()).error().code, Errc::Busy);
    EXPECT_EQ(stacks().start_snapshot(template_.files(), vm1_.own()).error().code, Errc::Busy);
    EXPECT_EQ(count(), 2U);
}

TEST_F(FileStacks, ASnapshotThatRunsStaysOnItsVersion) {
    const auto vm = run_snapshot(template_, vm1_);
    EXPECT_EQ(stacks().start_snapshot(template_.files(), vm1_.own()).value().number, vm.number);
    template_.commit();
    EXPECT_EQ(stacks().start_snapshot(template_.files(), vm1_.own()).error().code, Errc::Busy);
    EXPECT_EQ(count(), 2U);
}

TEST_F(FileStacks, DevicesThatSomebodyChangedAreNotUsed) {
    const auto running = run_origin(template_);
    const auto vm = run_snapshot(template_, vm1_);
    const auto other = devices_.add_disk({4 * mib / 512});
    const auto table = kernel::DmTable::of({4 * mib / 512}, kernel::LinearTarget{other, {0}}).value();
    ASSERT_TRUE(mapper().load(vm.name, table, kernel::DmAccess::ReadWrite));
    ASSERT_TRUE(mapper().resume(vm.name));
    EXPECT_EQ(stacks().start_snapshot(template_.files(), vm1_.own()).error().code, Errc::Corrupt);
    ASSERT_TRUE(mapper().load(running.name, table, kernel::DmAccess::ReadWrite));
    ASSERT_TRUE(mapper().resume(running.name));
    EXPECT_EQ(stacks().start_origin(template_.files()).error().code, Errc::Corrupt);
}

// ---- after a crash

TEST_F(FileStacks, RecoveryEndsWhatNobodyUses) {
    TestVolume other("debian/root");
    const auto running = run_origin(other);
    const auto vm = run_snapshot(template_, vm1_);
    const auto used = picture_of(devices_);
    ASSERT_TRUE(stacks().start_origin(template_.files()));
    ASSERT_TRUE(stacks().start_snapshot(template_.files(), vm2_.own()));
    restart();
    ASSERT_TRUE(stacks().recover());
    EXPECT_EQ(picture_of(devices_), used);
    ASSERT_TRUE(stacks().recover());
    EXPECT_EQ(picture_of(devices_), used);
}

TEST_F(FileStacks, RecoverySetsGoingWhatStoodStill) {
    const auto running = run_origin(template_);
    const auto vm = run_snapshot(template_, vm1_);
    const auto used = picture_of(devices_);
    ASSERT_TRUE(mapper().suspend(running.name, {}));
    ASSERT_TRUE(mapper().load(running.name, mapper().table(running.name).value(), kernel::DmAccess::ReadWrite));
    restart();
    ASSERT_TRUE(stacks().recover());
    EXPECT_EQ(picture_of(devices_), used);
}

TEST_F(FileStacks, ARebootLeavesNothingToRecover) {
    const auto running = run_origin(template_);
    process_.reset();
    devices_.reboot();
    process_.emplace(devices_);
    EXPECT_TRUE(stacks().recover());
    EXPECT_EQ(count() + loops(), 0U);
}

TEST_F(FileStacks, WithoutDeviceMapperItIsUnsupported) {
    devices_.set_device_mapper_there(false);
    EXPECT_EQ(stacks().start_origin(template_.files()).error().code, Errc::Unsupported);
    EXPECT_EQ(stacks().recover().error().code, Errc::Unsupported);
    devices_.set_device_mapper_there(true);
    EXPECT_EQ(loops(), 0U);
}

}  // namespace
}  // namespace varve::file
