// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/daemon/watchdog.h"
#include "tests/support/waiting.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace varve::daemon {
namespace {

using namespace std::chrono_literals;

// Counts what happens, and waits for it.
class Tally {
public:
    void add() {
        const std::lock_guard lock(mutex_);
        ++count_;
        changed_.notify_all();
    }
    [[nodiscard]] bool reaches(int count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, test_support::patience, [&] { return count_ >= count; });
    }
    [[nodiscard]] int count() {
        const std::lock_guard lock(mutex_);
        return count_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

// A mount that does not answer before it is opened.
class Gate {
public:
    bool pass() {
        std::unique_lock lock(mutex_);
        opened_.wait(lock, [this] { return open_; });
        return true;
    }
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        opened_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool open_ = false;
};

TEST(Watchdog, IsFedAsLongAsTheMountAnswers) {
    Tally feeds;
    const Watchdog watchdog({[] { return true; }, [](pid_t) { return false; }, [&] { feeds.add(); }}, 1ms);
    EXPECT_TRUE(feeds.reaches(5));
}

TEST(Watchdog, IsNotFedByADaemonThatHangs) {
    Gate gate;
    Tally looks;
    Tally feeds;
    const Watchdog watchdog({[&] { return gate.pass(); },
                             [&](pid_t) {
                                 looks.add();
                                 return false;
                             },
                             [&] { feeds.add(); }},
                            1ms);
    EXPECT_TRUE(looks.reaches(10));
    EXPECT_EQ(feeds.count(), 0);
    gate.open();
    EXPECT_TRUE(feeds.reaches(3)) << "it goes on when it has recovered in time";
}

TEST(Watchdog, IsFedWhileTheDiskIsWaitedFor) {
    Gate gate;
    Tally feeds;
    const Watchdog watchdog({[&] { return gate.pass(); }, [](pid_t asker) { return asker > 0; }, [&] { feeds.add(); }}, 1ms);
    EXPECT_TRUE(feeds.reaches(5));
    gate.open();
}

TEST(Watchdog, AnErrorIsNoAnswer) {
    Tally asked;
    Tally feeds;
    const Watchdog watchdog({[&] {
                                 asked.add();
                                 return false;
                             },
                             [](pid_t) { return false; }, [&] { feeds.add(); }},
                            1ms);
    EXPECT_TRUE(asked.reaches(5)) << "it is asked again";
    EXPECT_EQ(feeds.count(), 0);
}

TEST(Watchdog, EndsAtOnce) {
    Tally feeds;
    {
        const Watchdog watchdog({[] { return true; }, [](pid_t) { return true; }, [&] { feeds.add(); }}, 24h);
    }
    EXPECT_EQ(feeds.count(), 0);
}

TEST(WaitsForDisk, NobodyDoesHere) { EXPECT_FALSE(waits_for_disk(0)); }

// Somebody has unmounted it, while programs still use its files: no reason to end the daemon.
TEST(MountAnswers, AnotherErrorIsAnAnswerToo) { EXPECT_TRUE(mount_answers("/nowhere")); }

}  // namespace
}  // namespace varve::daemon
