// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/loops_contract.h"
#include "tests/support/waiting.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

namespace varve::test_support {

using base::Bytes;
using base::Errc;
using kernel::LoopGuard;

constexpr Bytes loop_file_size{1 << 20};

bool LoopsContract::is_listed(const kernel::LoopDevice& loop) {
    const auto all = loops().list().value();
    return std::ranges::count(all, loop) == 1;
}

TEST_P(LoopsContract, AnAttachedFileIsFoundByDeviceAndInode) {
    const auto file = world().make_file(loop_file_size);
    const auto other = world().make_file(loop_file_size);
    const auto attached = loops().attach(file.get(), {});
    ASSERT_TRUE(attached) << attached.error().message();
    const LoopGuard guard(loops(), *attached);
    EXPECT_EQ(attached->backing, loops().backing_of(file.get()).value());
    EXPECT_FALSE(attached->read_only || attached->autoclear);
    EXPECT_EQ(world().size_of(*attached), loop_file_size);
    EXPECT_EQ(kernel::loops_over(loops(), attached->backing).value(), std::vector{*attached});
    EXPECT_TRUE(kernel::loops_over(loops(), loops().backing_of(other.get()).value()).value().empty());
    EXPECT_TRUE(is_listed(*attached));
}

TEST_P(LoopsContract, OneLoopForEachFileIsShared) {
    const auto file = world().make_file(loop_file_size);
    const auto first = kernel::find_or_attach(loops(), file.get(), {}).value();
    const LoopGuard guard(loops(), first.loop);
    EXPECT_TRUE(first.attached_now);
    const auto second = kernel::find_or_attach(loops(), file.get(), {}).value();
    EXPECT_FALSE(second.attached_now);
    EXPECT_EQ(second.loop, first.loop);
    // Who only reads takes one that can be written; who needs another part of the file does not.
    EXPECT_FALSE(kernel::find_or_attach(loops(), file.get(), {.read_only = true}).value().attached_now);
    const auto part = kernel::find_or_attach(loops(), file.get(), {.offset = {4096}, .size_limit = {8192}}).value();
    const LoopGuard part_guard(loops(), part.loop);
    EXPECT_TRUE(part.attached_now);
    EXPECT_EQ(world().size_of(part.loop), Bytes{8192});
}

TEST_P(LoopsContract, WhoWritesDoesNotShareAReadOnlyLoop) {
    const auto file = world().make_file(loop_file_size);
    const auto read = kernel::find_or_attach(loops(), file.get(), {.read_only = true}).value();
    const LoopGuard guard(loops(), read.loop);
    EXPECT_TRUE(read.loop.read_only);
    const auto written = kernel::find_or_attach(loops(), file.get(), {}).value();
    const LoopGuard written_guard(loops(), written.loop);
    EXPECT_TRUE(written.attached_now);
    EXPECT_FALSE(written.loop.read_only);
}

TEST_P(LoopsContract, GrowsWithItsFile) {
    const auto file = world().make_file(loop_file_size);
    const auto loop = loops().attach(file.get(), {}).value();
    const LoopGuard guard(loops(), loop);
    ASSERT_EQ(::ftruncate(file.get(), 3 << 20), 0);
    EXPECT_EQ(world().size_of(loop), loop_file_size);
    ASSERT_TRUE(loops().update_size(loop));
    EXPECT_EQ(world().size_of(loop), Bytes{3 << 20});
}

TEST_P(LoopsContract, AnOpenLoopStaysAndStaysAsItWas) {
    const auto file = world().make_file(loop_file_size);
    const auto loop = loops().attach(file.get(), {}).value();
    world().open(loop);
    EXPECT_EQ(loops().detach(loop).error().code, Errc::Busy);
    EXPECT_TRUE(is_listed(loop));
    world().close(loop);
    EXPECT_TRUE(is_listed(loop)) << "it must not go with its last user";
    EXPECT_TRUE(loops().detach(loop));
    EXPECT_FALSE(is_listed(loop));
}

TEST_P(LoopsContract, DetachingAgainIsDone) {
    const auto file = world().make_file(loop_file_size);
    const auto loop = loops().attach(file.get(), {}).value();
    EXPECT_TRUE(loops().detach(loop));
    EXPECT_TRUE(loops().detach(loop));
    EXPECT_EQ(loops().update_size(loop).error().code, Errc::NotFound);
}

TEST_P(LoopsContract, AHeldLoopGoesWithItsLastUser) {
    const auto file = world().make_file(loop_file_size);
    auto attached = loops().attach_held(file.get(), {}).value();
    const auto loop = attached.loop;
    EXPECT_TRUE(loop.autoclear);
    EXPECT_EQ(loop.backing, loops().backing_of(file.get()).value());
    auto again = loops().hold(loop.device).value();
    EXPECT_EQ(again.loop, loop);
    attached = {};
    EXPECT_TRUE(is_listed(loop));
    world().open(loop);
    again = {};
    EXPECT_TRUE(is_listed(loop));
    world().close(loop);
    // udev may be looking at it still.
    EXPECT_TRUE(eventually([&] { return kernel::loops_over(loops(), loop.backing).value().empty(); }));
    EXPECT_EQ(loops().hold(loop.device).error().code, Errc::NotFound);
}

TEST_P(LoopsContract, WhatStaysCanBeHeldToo) {
    const auto file = world().make_file(loop_file_size);
    const auto loop = loops().attach(file.get(), {}).value();
    {
        const auto held = loops().hold(loop.device).value();
        EXPECT_EQ(held.loop, loop);
        EXPECT_EQ(loops().detach(loop).error().code, Errc::Busy);
    }
    EXPECT_TRUE(is_listed(loop));
    EXPECT_TRUE(loops().detach(loop));
}

TEST_P(LoopsContract, ANumberThatHasAnotherFileNowIsLeftAlone) {
    const auto file = world().make_file(loop_file_size);
    auto loop = loops().attach(file.get(), {}).value();
    const LoopGuard guard(loops(), loop);
    auto stale = loop;
    stale.backing.inode += 1;
    EXPECT_TRUE(loops().detach(stale));
    EXPECT_EQ(loops().update_size(stale).error().code, Errc::NotFound);
    EXPECT_TRUE(is_listed(loop));
}

TEST_P(LoopsContract, AGuardTakesAwayWhatWasNotFinished) {
    const auto file = world().make_file(loop_file_size);
    const auto other = world().make_file(loop_file_size);
    const auto unfinished = loops().attach(file.get(), {}).value();
    const auto finished = loops().attach(other.get(), {}).value();
    {
        const LoopGuard first(loops(), unfinished);
        LoopGuard second(loops(), finished);
        auto moved = std::move(second);
        moved.release();
    }
    EXPECT_FALSE(is_listed(unfinished));
    EXPECT_TRUE(is_listed(finished));
    EXPECT_TRUE(loops().detach(finished));
}

}  // namespace varve::test_support
