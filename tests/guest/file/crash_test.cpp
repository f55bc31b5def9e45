// SPDX-License-Identifier: LGPL-2.1-or-later
// Processes that die between two steps, on a kernel that goes on.
#include "tests/guest/file/real_stacks.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace varve::file {
namespace {

using base::Result;
using kernel::DmName;

constexpr std::uint64_t crash_size = 2 * mib;
constexpr int died = 77;

// Ends the process after so many changes.
class Countdown {
public:
    explicit Countdown(int calls) : left_(calls) {}
    void one_more() {
        if (--left_ == 0) ::_exit(died);
    }

private:
    int left_;
};

class DyingMapper final : public kernel::DeviceMapper {
public:
    DyingMapper(kernel::DeviceMapper& real, Countdown& countdown) : real_(real), countdown_(countdown) {}

    Result<kernel::DeviceNumber> create(const DmName& name, const kernel::DmUuid& uuid, const kernel::DmTable& table,
                                        kernel::DmAccess access, kernel::DmPending* later) override {
        return then_count(real_.create(name, uuid, table, access, later));
    }
    Result<> load(const DmName& name, const kernel::DmTable& table, kernel::DmAccess access) override {
        return then_count(real_.load(name, table, access));
    }
    Result<> clear(const DmName& name) override { return then_count(real_.clear(name)); }
    Result<> suspend(const DmName& name, kernel::DmSuspend how) override { return then_count(real_.suspend(name, how)); }
    Result<> resume(const DmName& name) override { return then_count(real_.resume(name)); }
    Result<> remove(const DmName& name, kernel::DmPending* later) override { return then_count(real_.remove(name, later)); }
    Result<> remove_when_unused(const DmName& name) override { return then_count(real_.remove_when_unused(name)); }
    Result<> keep(const DmName& name) override { return then_count(real_.keep(name)); }
    Result<> rename(const DmName& from, const DmName& to) override { return then_count(real_.rename(from, to)); }
    Result<> settle(kernel::DmPending& pending) override { return then_count(real_.settle(pending)); }
    Result<std::optional<kernel::DmInfo>> find(const DmName& name) const override { return real_.find(name); }
    Result<std::optional<kernel::DmInfo>> find(const kernel::DmUuid& uuid) const override { return real_.find(uuid); }
    Result<std::optional<kernel::DmInfo>> find(kernel::DeviceNumber device) const override { return real_.find(device); }
    Result<kernel::DmTable> table(const DmName& name) const override { return real_.table(name); }
    Result<std::vector<kernel::DmTargetStatus>> status(const DmName& name) const override { return real_.status(name); }
    Result<std::vector<kernel::DeviceNumber>> devices_below(const DmName& name) const override { return real_.devices_below(name); }
    Result<std::vector<kernel::DmInfo>> list(std::string_view uuid_prefix) const override { return real_.list(uuid_prefix); }
    Result<bool> has_target(const std::string& type) const override { return real_.has_target(type); }
    Result<std::string> message(const DmName& name, base::SectorCount sector, const std::string& text) override {
        return then_count(real_.message(name, sector, text));
    }

private:
    template <class Done>
    Done then_count(Done done) {
        countdown_.one_more();
        return done;
    }
    kernel::DeviceMapper& real_;
    Countdown& countdown_;
};

class DyingLoops final : public kernel::Loops {
public:
    explicit DyingLoops(Countdown& countdown) : countdown_(countdown) {}

    Result<kernel::LoopDevice> attach(int file, const kernel::LoopOptions& options) override {
        return then_count(real_.attach(file, options));
    }
    Result<kernel::HeldLoop> attach_held(int file, const kernel::LoopOptions& options) override {
        return then_count(real_.attach_held(file, options));
    }
    Result<kernel::HeldLoop> hold(kernel::DeviceNumber device) override { return real_.hold(device); }
    Result<std::vector<kernel::LoopDevice>> list() const override { return real_.list(); }
    Result<> update_size(const kernel::LoopDevice& loop) override { return then_count(real_.update_size(loop)); }
    Result<> detach(const kernel::LoopDevice& loop) override { return then_count(real_.detach(loop)); }
    Result<kernel::LoopBacking> backing_of(int file) const override { return real_.backing_of(file); }

private:
    template <class Done>
    Done then_count(Done done) {
        countdown_.one_more();
        return done;
    }
    kernel::LoopControl real_;
    Countdown& countdown_;
};

// Runs it in a process that dies after so many changes. False when it was done before.
bool dies_at(int calls, const std::function<bool(Stacks&)>& run) {
    const auto child = ::fork();
    if (child == 0) {
        Countdown countdown(calls);
        kernel::LibDeviceMapper real;
        DyingMapper mapper(real, countdown);
        DyingLoops loops(countdown);
        const MapperNodes nodes;
        Stacks stacks(mapper, loops, nodes, test_pool);
        ::_exit(run(stacks) ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == died)) << status;
    return WEXITSTATUS(status) == died;
}

class Crash : public RealStacks {
protected:
    void recover() {
        restart();
        const auto recovered = stacks().recover();
        ASSERT_TRUE(recovered) << recovered.error().message();
        const auto left = mapper().list(kernel::pool_uuid_prefix(test_pool)).value();
        for (const auto& device : left) EXPECT_FALSE(device.suspended || device.inactive_table || !device.live_table) << device.name;
    }
};

TEST_F(Crash, InTheMiddleOfAStart) {
    const auto v0 = pattern(crash_size, 1);
    int deaths = 0;
    for (bool died = true; died; ++deaths) {
        SCOPED_TRACE(deaths);
        std::mt19937 random(1);
        TestVolume root("fedora/root", v0);
        died = dies_at(deaths + 1, [&](Stacks& stacks) { return bool(stacks.start_origin(root.files())); });
        recover();
        expect_nothing_left();
        auto origin = start_origin(root, v0);
        origin.write_anywhere(random, crash_size);
        expect_state(root, v0, "the state from before the start");
        stop_origin(root, origin);
        expect_nothing_left();
    }
    EXPECT_GT(deaths, 4);
}

// The template is stopped, started and grown, and the last VM of an old version halts, each by a process that dies in the middle of it, while another
// VM on that template runs and is right all the time.
TEST_F(Crash, WhileOthersRun) {
    int deaths = 0;
    for (bool some = true; some; ++deaths) {
        SCOPED_TRACE(deaths);
        std::mt19937 random(static_cast<unsigned>(deaths));
        const auto v0 = pattern(crash_size, 1);
        TestVolume root("fedora/root", v0);
        const TestSnapshot own("work/root", {crash_size});
        const TestSnapshot passing("disp/root", {crash_size});
        auto vm = start_snapshot(root, own, v0);
        const auto step = [&](const std::function<bool(Stacks&)>& run) {
            const bool died = dies_at(deaths + 1, run);
            recover();
            if (vm.fd() >= 0) vm.expect_its_content("the VM");
            some = some || died;
        };
        some = false;
        step([&](Stacks& stacks) { return bool(stacks.start_origin(root.files())); });
        auto origin = start_origin(root, v0);
        for (int i = 0; i < 5; ++i) origin.write_anywhere(random, crash_size);
        const auto v1 = origin.content();
        origin.close();
        step([&](Stacks& stacks) { return bool(stacks.stop_origin(root.name, root.image.get())); });
        stop_origin(root, origin);

        origin = start_origin(root, v1);
        auto passing_vm = start_snapshot(root, passing, v1);
        for (int i = 0; i < 5; ++i) origin.write_anywhere(random, crash_size);
        step([&](Stacks& stacks) { return bool(stacks.start_snapshot(root.files(), passing.own())); });
        passing_vm.expect_its_content("the VM of the second version");
        passing_vm.close();
        vm.write_anywhere(random, crash_size);
        vm.close();
        step([&](Stacks& stacks) { return bool(stacks.stop_snapshot(own.name, own.cow.get())); });
        stop_snapshot(own, vm);
        stop_snapshot(passing, passing_vm);
        for (int i = 0; i < 5; ++i) origin.write_anywhere(random, crash_size);
        origin.expect_its_content("the template");
        expect_state(root, v1, "the state from before the start");
        expect_revision(root, v0, "the old version");
        stop_origin(root, origin);
        expect_nothing_left();
    }
    EXPECT_GT(deaths, 4);
}

TEST_F(Crash, InTheMiddleOfGrowing) {
    const auto v0 = pattern(crash_size, 1);
    int deaths = 0;
    for (bool died = true; died; ++deaths) {
        SCOPED_TRACE(deaths);
        TestVolume root("fedora/root", v0);
        auto origin = start_origin(root, v0);
        ASSERT_EQ(::ftruncate(root.image.get(), 2 * crash_size), 0);
        died = dies_at(deaths + 1, [&](Stacks& stacks) { return bool(stacks.grow_origin(root.name, root.image.get())); });
        recover();
        ASSERT_TRUE(stacks().grow_origin(root.name, root.image.get()));
        EXPECT_EQ(size_of_device(origin.fd()), 2 * crash_size);
        origin.grow(2 * crash_size);
        origin.write(crash_size, pattern(crash_size, 2));
        origin.expect_its_content("the grown one");
        expect_state(root, v0, "the state from before the start");
        stop_origin(root, origin);
    }
    EXPECT_GT(deaths, 3);
}

// The session is dirty afterwards, and goes on: the state from before it is still there, and so is what was written.
TEST_F(Crash, ADirtySessionGoesOn) {
    std::mt19937 random(1);
    const auto v0 = pattern(crash_size, 1);
    TestVolume root("work/private", v0);
    auto origin = start_origin(root, v0);
    for (int i = 0; i < 5; ++i) origin.write_anywhere(random, crash_size);
    origin.close();
    recover();
    expect_nothing_left();
    EXPECT_EQ(stacks().use_of(root.files()).value(), CowUse::Changed);
    expect_state(root, v0, "the state from before the start, while it is dirty");
    auto again = start_origin(root, origin.content());
    for (int i = 0; i < 5; ++i) again.write_anywhere(random, crash_size);
    again.expect_its_content("the session that goes on");
    expect_state(root, v0, "the state from before the first start");
    stop_origin(root, again);
    expect_revision(root, v0, "the revision");
}

}  // namespace
}  // namespace varve::file
