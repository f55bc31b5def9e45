// SPDX-License-Identifier: LGPL-2.1-or-later
// The host's memory, of which starts at the same time must not be promised the same.
#include "tests/support/waiting.h"
#include "tests/unit/vm/world.h"

#include <algorithm>
#include <future>

namespace varve::vm {
namespace {

using base::Bytes;
using base::Errc;

constexpr Bytes mebibytes(std::uint64_t count) { return {count << 20U}; }

// Enough for `work` or `other` (512 MiB each), not for both.
class MemoryTest : public ::testing::Test {
protected:
    MemoryTest() {
        world.define("work");
        world.define("other");
        set_free(mebibytes(768));
    }
    void set_free(Bytes free) {
        const std::scoped_lock lock(world.guests.mutex);
        world.guests.free_memory = free;
    }
    // `other` starts in a thread while `work`'s guest boots; `then` runs when it has asked for memory, before `work` goes on.
    base::Result<StartReport> start_other_while_work_boots(const std::function<void()>& then) {
        std::promise<void> asked;
        std::future<base::Result<StartReport>> second;
        world.hypervisor->on_resume([&](const hypervisor::Domain& domain) {
            if (domain.name != "work") return;
            world.hypervisor->on_free_memory([&, count = 0]() mutable {
                if (++count == 1) asked.set_value();
            });
            second = std::async(std::launch::async, [&] { return world.machines->start(other, log.listener()); });
            EXPECT_EQ(asked.get_future().wait_for(test_support::patience), std::future_status::ready);
            then();
        });
        EXPECT_TRUE(world.machines->start(work, log.listener()));
        return second.get();
    }
    [[nodiscard]] std::ptrdiff_t place_of(const std::string& line) const {
        const auto lines = log.lines();
        return std::ranges::find(lines, line) - lines.begin();
    }

    StageLog log;
    World world;
};

TEST_F(MemoryTest, IsNotPromisedTwice) {
    const auto second = start_other_while_work_boots([&] { set_free(mebibytes(256)); });
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::NoSpace);
    EXPECT_EQ(second.error().message(),
              "starting other failed at the stage 'memory': the host has 256.0 MiB of memory free and other needs 512.0 MiB");
    EXPECT_EQ(world.domains(), std::vector<std::string>{"work"});
}

TEST_F(MemoryTest, ThatAGuestDoesNotTakeIsForTheNext) {
    const auto second = start_other_while_work_boots([] {});
    ASSERT_TRUE(second) << second.error().message();
    EXPECT_LT(place_of("work readiness done"), place_of("other memory done"));
}

TEST_F(MemoryTest, IsThereAgainWhenAStartFails) {
    world.hypervisor->fail_next("create_paused", {Errc::Io, {}, "this is broken"});
    std::promise<void> asked;
    std::future<base::Result<StartReport>> second;
    const auto failed = world.machines->start(work, [&](const StageEvent& event) {
        if (event.stage != Stage::Create || event.what != StageEvent::What::Began) return;
        world.hypervisor->on_free_memory([&, count = 0]() mutable {
            if (++count == 1) asked.set_value();
        });
        second = std::async(std::launch::async, [&] { return world.machines->start(other, {}); });
        EXPECT_EQ(asked.get_future().wait_for(test_support::patience), std::future_status::ready);
    });
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message().find("stage 'create'"), std::string::npos) << failed.error().message();
    const auto started = second.get();
    EXPECT_TRUE(started) << started.error().message();
}

TEST_F(MemoryTest, IsNotWaitedForLongerThanAStartHasPatience) {
    world.settings.patience = std::chrono::milliseconds(20);
    world.start_orchestrator();
    base::Result<StartReport> second = StartReport{other, {}, {}, {}};
    world.hypervisor->on_resume([&](const auto&) { second = world.machines->start(other, {}); });
    ASSERT_TRUE(world.machines->start(work, {}));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::NoSpace);
    EXPECT_NE(
        second.error().message().find("has 768.0 MiB of memory free, VMs that are starting may take 512.0 MiB of it, and other needs"),
        std::string::npos)
        << second.error().message();
}

TEST_F(MemoryTest, ThatIsPromisedIsNotFreeForOthers) {
    world.hypervisor->on_resume([&](const auto&) {
        EXPECT_EQ(world.machines->free_memory(other, {})->count, mebibytes(256).count);
        EXPECT_EQ(world.machines->free_memory(other, {work})->count, mebibytes(768).count);
        set_free(mebibytes(256));
        EXPECT_EQ(world.machines->free_memory(other, {})->count, 0U) << "while it is taken it counts twice";
    });
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_EQ(world.machines->free_memory(other, {})->count, mebibytes(256).count);
}

TEST_F(MemoryTest, IsTakenByADomainOnXenAtItsCreation) {
    world.guests.type = domain_xml::DomainType::Xen;
    bool looked = false;
    world.hypervisor->on_resume([&](const auto&) {
        looked = true;
        EXPECT_EQ(world.machines->free_memory(other, {})->count, mebibytes(768).count);
    });
    const auto started = world.machines->start(work, {});
    ASSERT_TRUE(started) << started.error().message();
    EXPECT_TRUE(looked);
}

TEST_F(MemoryTest, OfOneHypervisorIsNotThatOfAnother) {
    world.define("far",
                 [](definitions::VmDefinition& vm) { vm.hypervisor = definitions::HypervisorUri::parse("test:///elsewhere").value(); });
    const auto far = named<base::VmName>("far");
    bool started = false;
    world.hypervisor->on_resume([&](const auto&) { started = world.machines->start(far, {}).has_value(); });
    world.guests_elsewhere.free_memory = mebibytes(512);
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_TRUE(started);
}

}  // namespace
}  // namespace varve::vm
