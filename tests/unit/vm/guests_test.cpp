// SPDX-License-Identifier: LGPL-2.1-or-later
// What hypervisors say of guests, in their order; and guests' memory.
#include "tests/support/waiting.h"
#include "tests/unit/vm/world.h"

namespace varve::vm {
namespace {

class GuestLog {
public:
    explicit GuestLog(Machines& machines)
        : subscription_(machines.watch_guests([this](const GuestEvent& event) {
              const std::scoped_lock lock(mutex_);
              text_ += event.vm.str() + (event.runs ? " runs;" : " stands;");
              changed_.notify_all();
          })) {}
    [[nodiscard]] bool comes_to(const std::string& text) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, test_support::patience, [&] { return text_ == text; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string text_;
    std::unique_ptr<VmSubscription> subscription_;  // last: the listener uses the others
};

TEST(Guests, WhatTheyDoIsToldInItsOrder) {
    World world;
    world.define("work");
    GuestLog log(*world.machines);
    ASSERT_TRUE(world.machines->start(work, {}));
    ASSERT_TRUE(world.machines->pause(work));
    // Somebody else, twice, before anybody looks.
    const auto domain = world.machines->info(work)->domain.value();
    ASSERT_TRUE(world.hypervisor->resume(domain));
    ASSERT_TRUE(world.hypervisor->suspend(domain));
    EXPECT_TRUE(log.comes_to("work runs;work stands;work runs;work stands;"));
}

TEST(Guests, AResumeThatNobodyToldOfIsFoundLater) {
    World world;
    world.define("work");
    GuestLog log(*world.machines);
    ASSERT_TRUE(world.machines->start(work, {}));
    ASSERT_TRUE(world.machines->pause(work));
    world.hypervisor->disconnect();
    {
        const std::scoped_lock lock(world.guests.mutex);
        for (auto& [uuid, guest] : world.guests.guests) guest.domain.state = hypervisor::DomainState::Running;
    }
    world.hypervisor->reconnect();
    EXPECT_TRUE(log.comes_to("work runs;work stands;work runs;"));
}

TEST(Guests, HaveMemoryThatIsAskedForAndChanged) {
    World world;
    world.define("work");
    EXPECT_EQ(world.machines->memory(work).error().code, base::Errc::NotFound);
    EXPECT_EQ(world.machines->free_memory(work, {})->count, world.guests.free_memory.count);
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_FALSE(world.machines->memory(work)->used);
    {
        const std::scoped_lock lock(world.guests.mutex);
        for (auto& [uuid, guest] : world.guests.guests) guest.used_memory = base::Bytes{1000};
    }
    ASSERT_TRUE(world.machines->set_memory(work, {4096}));
    EXPECT_EQ(world.machines->memory(work)->now.count, 4096U);
    EXPECT_EQ(world.machines->memory(work)->used->count, 1000U);
}

}  // namespace
}  // namespace varve::vm
