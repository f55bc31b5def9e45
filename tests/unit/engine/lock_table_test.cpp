// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/lock_table.h"

#include "tests/unit/engine/world.h"

#include <atomic>
#include <future>
#include <thread>

namespace varve::engine_test {
namespace {

using engine::LockKey;
using engine::LockTable;
using std::chrono::milliseconds;

constexpr milliseconds at_once{0};
constexpr milliseconds patient{10'000};

LockKey key(std::string_view vm) { return {vm_name(vm), {}}; }
LockKey key(std::string_view vm, std::string_view volume) { return {vm_name(vm), volume_name(volume)}; }

TEST(LockTable, AWaitCanBeInterrupted) {
    LockTable table;
    const auto held = table.acquire({key("vm", "root")}, at_once);
    ASSERT_TRUE(succeeded(held));
    std::stop_source signal;
    auto waiting = std::async(std::launch::async, [&] {
        return table.acquire({key("vm", "root")}, {std::chrono::hours(1), signal.get_token()});
    });
    signal.request_stop();
    EXPECT_TRUE(failed(waiting.get(), Errc::Interrupted));
    EXPECT_TRUE(succeeded(table.acquire({key("vm", "private")}, {at_once, signal.get_token()}))) << "what need not wait is done";
}

TEST(LockTable, OneVolumeIsLockedOnce) {
    LockTable table;
    {
        const auto held = table.acquire({key("vm", "root")}, at_once);
        ASSERT_TRUE(succeeded(held));
        const auto second = table.acquire({key("vm", "root")}, at_once);
        ASSERT_TRUE(failed(second, Errc::Busy));
        EXPECT_NE(second.error().context.find("vm/root"), std::string::npos);
        EXPECT_TRUE(succeeded(table.acquire({key("vm", "private")}, at_once)));
        EXPECT_TRUE(succeeded(table.acquire({key("other", "root")}, at_once)));
    }
    EXPECT_TRUE(succeeded(table.acquire({key("vm", "root")}, at_once)));
}

TEST(LockTable, AWholeVmExcludesItsVolumes) {
    LockTable table;
    {
        const auto vm = table.acquire({key("vm")}, at_once);
        EXPECT_TRUE(failed(table.acquire({key("vm", "root")}, at_once), Errc::Busy));
        EXPECT_TRUE(failed(table.acquire({key("vm")}, at_once), Errc::Busy));
        EXPECT_TRUE(succeeded(table.acquire({key("other")}, at_once)));
    }
    const auto volume = table.acquire({key("vm", "root")}, at_once);
    EXPECT_TRUE(failed(table.acquire({key("vm")}, at_once), Errc::Busy));
}

TEST(LockTable, SeveralKeysAreTakenTogetherOrNotAtAll) {
    LockTable table;
    {
        const auto held = table.acquire({key("b", "root")}, at_once);
        EXPECT_TRUE(failed(table.acquire({key("a", "root"), key("b", "root")}, at_once), Errc::Busy));
        EXPECT_TRUE(succeeded(table.acquire({key("a", "root")}, at_once)));
    }
    const auto both = table.acquire({key("a", "root"), key("b", "root")}, at_once);
    EXPECT_TRUE(failed(table.acquire({key("a", "root")}, at_once), Errc::Busy));
    EXPECT_TRUE(failed(table.acquire({key("b", "root")}, at_once), Errc::Busy));
}

TEST(LockTable, AWaiterGetsWhatIsReleased) {
    LockTable table;
    auto held = std::make_unique<engine::VolumeLock>(table.acquire({key("vm", "root")}, at_once).value());
    auto waiter = std::async(std::launch::async, [&] { return table.acquire({key("vm")}, patient).has_value(); });
    held.reset();
    EXPECT_TRUE(waiter.get());
}

TEST(LockTable, ThreadsThatWantOverlappingKeysAllGetThem) {
    LockTable table;
    std::atomic<int> inside = 0;
    std::atomic<int> done = 0;
    std::atomic<bool> overlapped = false;
    {
        std::vector<std::jthread> threads;
        for (int each = 0; each < 4; ++each)
            threads.emplace_back([&, each] {
                for (int round = 0; round < 200; ++round) {
                    auto keys = each % 2 == 0 ? std::vector{key("a", "root"), key("b", "root")} : std::vector{key("b"), key("a")};
                    const auto held = table.acquire(std::move(keys), patient);
                    if (!held) return;
                    if (++inside != 1) overlapped = true;
                    --inside;
                    ++done;
                }
            });
    }
    EXPECT_FALSE(overlapped);
    EXPECT_EQ(done, 800);
}

}  // namespace
}  // namespace varve::engine_test
