// SPDX-License-Identifier: LGPL-2.1-or-later
// What was and is being done: events, operations and metrics.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace varve::test_support {
namespace {

class EventsTest : public OneVolumeTest {
protected:
    [[nodiscard]] Path events() const { return mount() / ".varve/events"; }
    [[nodiscard]] std::string subject() const { return "\"volume\":\"fast/" + vm() + "/data\""; }
};

TEST_F(EventsTest, ALineForWhatWasDone) {
    const auto before = read_file(events()).size();
    must("data", "start");
    must("data", "discard");
    const auto lines = read_file(events()).substr(before);
    EXPECT_EQ(std::ranges::count(lines, '\n'), 2) << lines;
    EXPECT_NE(lines.find("\"operation\":\"start\""), std::string::npos) << lines;
    EXPECT_NE(lines.find(subject()), std::string::npos) << lines;
    EXPECT_NE(lines.find("\"operation\":\"discard\""), std::string::npos) << lines;
}

TEST_F(EventsTest, PollWakesAndTheSameDescriptorReadsOn) {
    const base::UniqueFd file(::open(events().c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(file.valid());
    ASSERT_GE(::lseek(file.get(), 0, SEEK_END), 0);
    pollfd waited{file.get(), POLLIN, 0};
    std::array<char, 4096> buffer{};
    EXPECT_EQ(::read(file.get(), buffer.data(), buffer.size()), 0);
    EXPECT_EQ(::poll(&waited, 1, 0), 0);
    must("data", "start");
    EXPECT_EQ(::poll(&waited, 1, 10'000), 1);
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    ASSERT_GT(count, 0);
    EXPECT_NE(std::string_view(buffer.data(), static_cast<std::size_t>(count)).find("\"operation\":\"start\""), std::string_view::npos);
    EXPECT_EQ(::poll(&waited, 1, 0), 0);
    must("data", "discard");
}

// Whoever has been answered may close the file before varvefs is done with the answer.
TEST_F(EventsTest, ManyPollAndCloseAtOnce) {
    constexpr int programs = 4;
    constexpr int rounds = 1000;
    std::vector<std::thread> threads;
    std::atomic<int> failures = 0;
    for (int program = 0; program < programs; ++program)
        threads.emplace_back([&] {
            for (int round = 0; round < rounds; ++round) {
                const base::UniqueFd file(::open(events().c_str(), O_RDONLY | O_CLOEXEC));
                pollfd waited{file.get(), POLLIN, 0};
                if (!file.valid() || ::poll(&waited, 1, 0) < 0) ++failures;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(failures, 0);
    EXPECT_NE(read_file(mount() / ".varve/version"), "") << "varvefs lives";
}

TEST_F(EventsTest, WhatCommitsSaysThatItReplaced) {
    const auto before = read_file(events()).size();
    EXPECT_EQ(write_file(at("data.img"), pattern('n', volume_size)), ok);
    const auto lines = read_file(events()).substr(before);
    EXPECT_NE(lines.find("\"replaced\":true"), std::string::npos) << lines;
}

TEST_F(EventsTest, NothingIsDoneNow) { EXPECT_EQ(read_file(mount() / ".varve/operations"), ""); }

TEST_F(EventsTest, MetricsCount) {
    must("data", "start");
    must("data", "discard");
    const auto text = read_file(mount() / ".varve/metrics");
    EXPECT_NE(text.find("varve_operations_total{operation=\"start\",outcome=\"done\"}"), std::string::npos) << text;
    EXPECT_NE(text.find("varve_volumes{pool=\"fast\",state=\"halted\"}"), std::string::npos) << text;
    EXPECT_NE(text.find("varve_pool_size_bytes{pool=\"fast\"}"), std::string::npos) << text;
}

TEST_F(EventsTest, ToolsThatWalkTheTreeDoNotHang) {
    const auto listing = list_directory(mount() / ".varve");
    EXPECT_NE(std::ranges::find(listing, "events"), listing.end());
    for (const auto& name : listing)
        if (name != "ctl") (void)read_file(mount() / ".varve" / name);
}

}  // namespace
}  // namespace varve::test_support
