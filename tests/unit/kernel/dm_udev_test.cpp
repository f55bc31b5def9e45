// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_udev.h"

#include <gtest/gtest.h>

#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

namespace varve::kernel {
namespace {

using namespace std::chrono_literals;

// A semaphore as libdevmapper makes it: one for the waiter and one for each event that udev has not finished.
class Cookie {
public:
    explicit Cookie(int events) {
        for (key_ = ::getpid(); id_ < 0; ++key_) id_ = ::semget(key_, 1, IPC_CREAT | IPC_EXCL | 0600);
        --key_;
        EXPECT_EQ(::semctl(id_, 0, SETVAL, 1 + events), 0);
    }
    ~Cookie() { (void)::semctl(id_, 0, IPC_RMID); }  // gone already, unless the test failed
    Cookie(const Cookie&) = delete;
    Cookie& operator=(const Cookie&) = delete;

    [[nodiscard]] std::uint32_t value() const { return static_cast<std::uint32_t>(key_); }
    [[nodiscard]] bool there() const { return ::semget(key_, 1, 0) >= 0; }

private:
    key_t key_ = 0;
    int id_ = -1;
};

UdevAnswer wait_for(UdevWait& udev, int events) {
    const Cookie cookie(events);
    const auto answer = udev.wait(cookie.value());
    EXPECT_FALSE(cookie.there());
    return answer;
}

TEST(UdevWaitTest, WhoNeverAnswersIsWaitedForLessAndLess) {
    UdevWait udev(64ms);
    for (const auto patience : {64ms, 32ms, 16ms, 8ms, 4ms, 2ms, 1ms, 1ms}) {
        EXPECT_EQ(udev.patience(), patience);
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_EQ(wait_for(udev, 1), UdevAnswer::TimedOut);
        EXPECT_GE(std::chrono::steady_clock::now() - begin, patience);
    }
}

TEST(UdevWaitTest, WhoAnswersIsWaitedForAsAtFirst) {
    UdevWait udev(64ms);
    EXPECT_EQ(wait_for(udev, 1), UdevAnswer::TimedOut);
    EXPECT_EQ(wait_for(udev, 2), UdevAnswer::TimedOut);
    EXPECT_EQ(wait_for(udev, 0), UdevAnswer::Done);
    EXPECT_EQ(udev.patience(), 64ms);
}

TEST(UdevWaitTest, WhatNobodyCountsTellsNothing) {
    UdevWait udev(64ms);
    EXPECT_EQ(wait_for(udev, 1), UdevAnswer::TimedOut);
    EXPECT_EQ(udev.wait(0), UdevAnswer::Done);
    std::uint32_t gone = 0;
    {
        const Cookie cookie(0);
        gone = cookie.value();
    }
    EXPECT_EQ(udev.wait(gone), UdevAnswer::Done);
    EXPECT_EQ(udev.patience(), 32ms);
}

}  // namespace
}  // namespace varve::kernel
