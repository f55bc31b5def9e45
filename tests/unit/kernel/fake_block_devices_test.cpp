// SPDX-License-Identifier: LGPL-2.1-or-later
// The fakes keep what the ports promise, and die when told to.
#include "drivers/kernel/posix_filesystem.h"
#include "tests/fakes/fake_device_mapper.h"
#include "tests/fakes/fake_loops.h"
#include "tests/support/device_mapper_contract.h"
#include "tests/support/loops_contract.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

namespace varve::fakes {
namespace {

using base::Errc;
using kernel::DmAccess;

class FakeDeviceMapperWorld final : public test_support::DeviceMapperWorld {
public:
    kernel::DeviceMapper& mapper() override { return mapper_; }
    kernel::DeviceNumber make_disk(base::SectorCount size) override { return devices_.add_disk(size); }
    void open(const kernel::DmName& name) override { devices_.open(mapper_.find(name).value()->device); }
    void close(const kernel::DmName& name) override { devices_.close(mapper_.find(name).value()->device); }

private:
    FakeBlockDevices devices_;
    Faults faults_;
    FakeDeviceMapper mapper_{devices_, faults_};
};

class FakeLoopsWorld final : public test_support::LoopsWorld {
public:
    kernel::Loops& loops() override { return loops_; }
    base::UniqueFd make_file(base::Bytes size) override {
        base::UniqueFd file(::memfd_create("varve-test", MFD_CLOEXEC));
        EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size.count)), 0);
        return file;
    }
    void open(const kernel::LoopDevice& loop) override { devices_.open(loop.device); }
    void close(const kernel::LoopDevice& loop) override { devices_.close(loop.device); }
    base::Bytes size_of(const kernel::LoopDevice& loop) override { return devices_.size_of(loop.device).value().bytes(); }

private:
    FakeBlockDevices devices_;
    Faults faults_;
    kernel::PosixFileSystem files_;
    FakeLoops loops_{devices_, files_, faults_};
};

}  // namespace
}  // namespace varve::fakes

namespace varve::test_support {

INSTANTIATE_TEST_SUITE_P(Fake, DeviceMapperContract,
                         testing::Values(MakeDeviceMapperWorld{"fake", [] { return std::make_unique<fakes::FakeDeviceMapperWorld>(); }}));
INSTANTIATE_TEST_SUITE_P(Fake, LoopsContract,
                         testing::Values(MakeLoopsWorld{"fake", [] { return std::make_unique<fakes::FakeLoopsWorld>(); }}));

}  // namespace varve::test_support

namespace varve::fakes {
namespace {

kernel::DmName name(const std::string& text) { return kernel::DmName::parse(text).value(); }
kernel::DmUuid uuid(const std::string& text) { return kernel::uuid_in_pool("test", text).value(); }

TEST(FakeBlockDevices, OutliveTheProcessButNotAReboot) {
    FakeBlockDevices devices;
    const auto disk = devices.add_disk({64});
    const auto table = kernel::DmTable::of({64}, kernel::LinearTarget{disk, {0}}).value();
    Faults faults;
    FakeDeviceMapper own(devices, faults);
    kernel::DeviceMapper& mapper = own;
    faults.die_at(2, Faults::Moment::After);
    ASSERT_TRUE(mapper.create(name("first"), uuid("first"), table, DmAccess::ReadWrite));
    EXPECT_FALSE(mapper.create(name("second"), uuid("second"), table, DmAccess::ReadWrite));
    EXPECT_FALSE(mapper.remove(name("first")));
    EXPECT_TRUE(faults.dead());

    Faults none;
    FakeDeviceMapper own_next(devices, none);
    kernel::DeviceMapper& next = own_next;
    EXPECT_EQ(next.list({}).value().size(), 2U) << "the call had its effect before the process died";
    devices.reboot();
    EXPECT_TRUE(next.list({}).value().empty());
    EXPECT_TRUE(next.create(name("first"), uuid("first"), table, DmAccess::ReadWrite));
}

TEST(FakeBlockDevices, ALoopUnderATableIsInUse) {
    FakeBlockDevices devices;
    Faults faults;
    const kernel::PosixFileSystem files;
    FakeLoops loops(devices, files, faults);
    FakeDeviceMapper own(devices, faults);
    kernel::DeviceMapper& mapper = own;
    const base::UniqueFd file(::memfd_create("varve-test", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(file.get(), 1 << 20), 0);
    const auto loop = loops.attach(file.get(), {}).value();
    const auto table = kernel::DmTable::of({64}, kernel::LinearTarget{loop.device, {0}}).value();
    ASSERT_TRUE(mapper.create(name("a"), uuid("a"), table, DmAccess::ReadWrite));
    EXPECT_EQ(loops.detach(loop).error().code, Errc::Busy);
    ASSERT_TRUE(mapper.remove(name("a")));
    EXPECT_TRUE(loops.detach(loop));
    EXPECT_EQ(mapper.create(name("a"), uuid("a"), table, DmAccess::ReadWrite).error().code, Errc::NotFound);
}

TEST(FakeBlockDevices, FailsWhereItIsTold) {
    FakeBlockDevices devices;
    Faults faults;
    FakeDeviceMapper own(devices, faults);
    kernel::DeviceMapper& mapper = own;
    const auto table = kernel::DmTable::of({64}, kernel::LinearTarget{devices.add_disk({64}), {0}}).value();
    faults.fail_at(1, EIO);
    EXPECT_EQ(mapper.create(name("a"), uuid("a"), table, DmAccess::ReadWrite).error().code, Errc::Io);
    EXPECT_TRUE(mapper.create(name("a"), uuid("a"), table, DmAccess::ReadWrite));
    devices.set_status("a", "Invalid");
    EXPECT_EQ(mapper.status(name("a")).value().front().text, "Invalid");
    devices.set_device_mapper_there(false);
    EXPECT_EQ(mapper.list({}).error().code, Errc::Unsupported);
}

TEST(FakeBlockDevices, TellWhenTheyAreCalled) {
    FakeBlockDevices devices;
    Faults faults;
    FakeDeviceMapper own(devices, faults);
    kernel::DeviceMapper& mapper = own;
    std::vector<Effect> seen;
    devices.watch([&](Effect effect) { seen.push_back(effect); });
    EXPECT_TRUE(mapper.list({}));
    EXPECT_FALSE(mapper.remove(name("nobody")));
    EXPECT_EQ(seen, (std::vector{Effect::Reads, Effect::Reads, Effect::Removes, Effect::Removes}));
}

}  // namespace
}  // namespace varve::fakes
