// SPDX-License-Identifier: LGPL-2.1-or-later
// Real guests that are kept ready: paused, handed out, replaced after a commit, and found again by the next orchestrator.
#include "tests/libvirt/preloaded.h"

#include <fstream>
#include <future>
#include <iostream>

namespace varve::libvirt_test {
namespace {

using base::VmName;
using Clock = std::chrono::steady_clock;

TEST_F(PreloadedGuests, AreReadyFoundAgainHandedOutAndReplaced) {
    const auto cold = Clock::now();
    preloading_->begin();
    const auto first = ready_one();
    ASSERT_TRUE(first);
    const auto made = Clock::now() - cold;
    EXPECT_EQ(guest(*first), hypervisor::DomainState::Paused);

    // It gave back what it does not need before it was paused, and no more.
    const auto memory = machines->memory(*first).value();
    const auto whole = definitions->find(*first).value().memory.initial;
    ASSERT_TRUE(memory.used) << "the guest's balloon driver tells";
    std::cout << "  it has " << base::human(memory.now) << " of " << base::human(whole) << " and uses " << base::human(*memory.used)
              << "\n";
    EXPECT_LT(memory.now.count, whole.count - (std::uint64_t{32} << 20));
    EXPECT_GE(memory.now, *memory.used) << "not more than it can spare";

    // As after a kill -9: the guest stays, and is found ready.
    end_preloading();
    start_orchestrator();
    (void)machines->recover();
    start_preloading();
    EXPECT_EQ(ready_one(), first);
    EXPECT_EQ(guest(*first), hypervisor::DomainState::Paused);

    const auto asked = Clock::now();
    const auto got = request();
    const auto handed = Clock::now() - asked;
    ASSERT_EQ(got, first);
    EXPECT_EQ(guest(*got), hypervisor::DomainState::Running);
    const auto domain = machines->info(*got).value().domain.value();
    EXPECT_TRUE(answers(domain)) << "the guest goes on where it stood";
    EXPECT_TRUE(eventually([&] { return machines->memory(*got).value().now == whole; })) << "it has its memory again";
    std::cout << "  made in " << std::chrono::duration<double>(made).count() << " s, handed over in "
              << std::chrono::duration<double, std::milli>(handed).count() << " ms\n";

    // Another takes its place; after a commit, one of the new content takes that one's.
    const auto second = ready_one();
    ASSERT_TRUE(second);
    EXPECT_NE(second, first);
    {
        std::fstream image(host().pool() / "dvm" / "data.img", std::ios::in | std::ios::out | std::ios::binary);
        image.seekp(512);
        image << "newer";
    }
    const auto third = ready_one(second);
    ASSERT_TRUE(third);
    EXPECT_TRUE(goes(*second));
    EXPECT_TRUE(says(third->str(), "disk holds: newer"));

    // What was handed out goes when it has ended, and nothing else with it.
    ASSERT_TRUE(machines->kill(*got, {}));
    EXPECT_TRUE(goes(*got));
    EXPECT_EQ(guest(*third), hypervisor::DomainState::Paused);
    std::promise<void> gone;
    preloading_->suspend([&] { gone.set_value(); });
    gone.get_future().wait();
    EXPECT_FALSE(definitions->find(*third));
}

// Its guest outlives the orchestrator, and it goes with its guest all the same.
TEST_F(PreloadedGuests, AreNotNeededForOneThatOutlivesTheOrchestrator) {
    const auto started = disposables_->start(named<VmName>("dvm"), 0, {});
    ASSERT_TRUE(started) << started.error().message();
    const auto& name = started->vm;
    EXPECT_EQ(control(name.str(), "state"), "started");
    end_preloading();
    start_orchestrator();
    (void)machines->recover();
    start_preloading();
    disposables_->sweep();
    EXPECT_EQ(guest(name), hypervisor::DomainState::Running);
    EXPECT_EQ(machines->info(name).value().state, vm::VmState::Running);
    // Its guest ends as by a crash, with nobody's order.
    ASSERT_TRUE(host().hypervisor()->destroy(machines->info(name).value().domain.value()));
    EXPECT_TRUE(goes(name));
    EXPECT_FALSE(std::filesystem::exists(host().pool() / name.str()));
    EXPECT_EQ(control("dvm", "state"), "halted");
    EXPECT_TRUE(revisions("dvm").empty());
}

}  // namespace
}  // namespace varve::libvirt_test
