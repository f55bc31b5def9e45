// SPDX-License-Identifier: LGPL-2.1-or-later
// Memory that goes back, records, and the real loop.
#include "orchestrator/preloading/asio_loop.h"
#include "tests/unit/preloading/world.h"

#include <fstream>
#include <thread>

namespace varve::preloading::tests {
namespace {

constexpr base::Bytes mebibytes(std::uint64_t count) { return {count << 20U}; }

TEST(GiveBack, AGuestPrefersWhatItUsesAndSomethingToSpare) {
    EXPECT_EQ(preferred_memory(mebibytes(1024), mebibytes(100)), mebibytes(189));
    EXPECT_EQ(preferred_memory(mebibytes(1024), mebibytes(1000)), mebibytes(1024)) << "never more than it has";
}

TEST(GiveBack, InStepsThatAreBounded) {
    EXPECT_EQ(next_memory(mebibytes(1024), mebibytes(189)), mebibytes(768));
    EXPECT_EQ(next_memory(mebibytes(300), mebibytes(189)), mebibytes(189));
    EXPECT_EQ(next_memory(mebibytes(100), mebibytes(189)), mebibytes(100)) << "nothing is taken away that it needs";
}

class GiveBackOf : public World {
protected:
    GiveBackOf() { machines->become(vm("dvm"), vm::VmState::Running); }
    // How often it waited.
    int give(int hurried_at = 1000) {
        int waits = 0;
        give_back(*machines, vm("dvm"), [&](milliseconds) { return ++waits == hurried_at; });
        return waits;
    }
};

TEST_F(GiveBackOf, StopsAtThePreferredSize) {
    machines->has = vm::GuestMemory{mebibytes(1024), mebibytes(100)};
    EXPECT_EQ(give(), 4);
    EXPECT_EQ(machines->asked_memory, (std::vector{mebibytes(768), mebibytes(512), mebibytes(256), mebibytes(189)}));
}

TEST_F(GiveBackOf, TakesNoLongerThanItsTime) {
    machines->has = vm::GuestMemory{mebibytes(1 << 20), mebibytes(100)};
    EXPECT_EQ(give(), longest_give_back / between_steps);
}

TEST_F(GiveBackOf, WaitsUntilTheGuestHasGivenWhatItWasAskedFor) {
    machines->has = vm::GuestMemory{mebibytes(512), mebibytes(100)};
    machines->lags = mebibytes(100);
    EXPECT_EQ(give(), 6);
    EXPECT_EQ(machines->asked_memory, (std::vector{mebibytes(256), mebibytes(189)}));
    EXPECT_EQ(machines->has->now, mebibytes(189));
}

TEST_F(GiveBackOf, OneThatGivesNothingIsAskedOnceAndNotWaitedForLonger) {
    machines->has = vm::GuestMemory{mebibytes(512), mebibytes(100)};
    machines->lags = mebibytes(0);
    EXPECT_EQ(give(), longest_give_back / between_steps);
    EXPECT_EQ(machines->asked_memory, std::vector{mebibytes(256)});
}

TEST_F(GiveBackOf, HurriesWhenSomebodyWaits) {
    machines->has = vm::GuestMemory{mebibytes(1024), mebibytes(100)};
    EXPECT_EQ(give(2), 2);
}

TEST_F(GiveBackOf, AGuestThatSaysNothingKeepsItsMemory) {
    EXPECT_EQ(give(), 0);
    machines->has = vm::GuestMemory{mebibytes(1024), std::nullopt};
    EXPECT_EQ(give(), 4) << "its first account may come late";
    EXPECT_TRUE(machines->asked_memory.empty());
}

TEST(Haste, EndsAWait) {
    Haste haste;
    EXPECT_FALSE(haste.wait(milliseconds(0)));
    std::thread other([&] { haste.hurry(); });
    EXPECT_TRUE(haste.wait(std::chrono::minutes(1)));
    other.join();
    EXPECT_TRUE(haste.hurried());
}

class PreloadRecords : public World {};

TEST_F(PreloadRecords, ComeBackAndBrokenOnesAreLeftOut) {
    const auto records = Records::open(directory / "records").value();
    const Record one{vm("disp1"), vm("dvm"), Record::Phase::Ready, "p/root: p/fedora/root 1.2 3\n"};
    ASSERT_TRUE(records.put(one));
    std::ofstream(directory / "records" / "disp2.json") << "{\"template\":7}";
    std::ofstream(directory / "records" / "..x.json") << "{}";
    EXPECT_EQ(records.all().value(), std::vector{one});
    EXPECT_FALSE(records.begun());
    ASSERT_TRUE(records.set_begun());
    EXPECT_TRUE(records.begun());
    ASSERT_TRUE(records.remove(vm("disp1")));
    EXPECT_TRUE(records.remove(vm("disp1")));
    EXPECT_TRUE(records.all().value().empty());
}

TEST(AsioLoop, PostsWorksAndWakes) {
    boost::asio::io_context io;
    AsioLoop loop(io);
    const auto here = std::this_thread::get_id();
    bool worked = false;
    const auto hold = boost::asio::make_work_guard(io);
    loop.work(Work::Short, [&] {
        worked = std::this_thread::get_id() != here;
        loop.post([&] {
            EXPECT_EQ(std::this_thread::get_id(), here);
            loop.wake_at(loop.now() + std::chrono::hours(1), [] { FAIL(); });
            loop.wake_at(loop.now(), [&] { io.stop(); });
        });
    });
    io.run_for(seconds(30));
    EXPECT_TRUE(io.stopped());
    EXPECT_TRUE(worked);
}

}  // namespace
}  // namespace varve::preloading::tests
