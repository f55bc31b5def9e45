// SPDX-License-Identifier: LGPL-2.1-or-later
// `.varve/events` on the wire.
#include "tests/fuse/fuse_world.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace varve::fuse_test {
namespace {

class EventsOnTheWire : public FuseWorld {
protected:
    void SetUp() override {
        begin();
        node_ = wire().walk({".varve", "events"});
        handle_ = open();
    }
    // What stays open at a session's end belongs to a kernel that is gone: LeakSanitizer finds it.
    void TearDown() override {
        EXPECT_EQ(wire().release(node_, handle_), 0);
        FuseWorld::TearDown();
    }
    std::uint64_t open() {
        const auto opened = wire().open(node_, O_RDONLY);
        EXPECT_EQ(opened.error, 0);
        EXPECT_NE(opened.out.open_flags & FOPEN_DIRECT_IO, 0U);
        return opened.out.fh;
    }
    std::string read(std::uint64_t offset, std::uint32_t size = 1 << 16) {
        const auto answer = wire().read(node_, handle_, offset, size);
        EXPECT_EQ(answer.error, 0);
        return answer.body;
    }
    // What poll(2) gets; `schedule`: and that it waits.
    unsigned poll(bool schedule, std::uint64_t kernel_handle = 77) {
        fuse_poll_in in{};
        in.fh = handle_;
        in.kh = kernel_handle;
        in.flags = schedule ? FUSE_POLL_SCHEDULE_NOTIFY : 0;
        in.events = POLLIN;
        const auto answer = wire().call(FUSE_POLL, node_, raw(in));
        EXPECT_EQ(answer.error, 0);
        fuse_poll_out out{};
        std::memcpy(&out, answer.body.data(), std::min(sizeof out, answer.body.size()));
        return out.revents;
    }
    void do_something() { ASSERT_TRUE(succeeded(volumes_.take_snapshot(volume_, engine_test::label("n" + std::to_string(++count_))))); }

    VolumeRef volume_ = work();
    NodeId node_ = 0;
    std::uint64_t handle_ = 0;
    int count_ = 0;
};

TEST_F(EventsOnTheWire, TheFileGrowsAndIsReadOn) {
    const auto first = read(0);
    EXPECT_EQ(first.size(), wire().getattr(node_).out.attr.size);
    EXPECT_EQ(read(first.size()), "");
    do_something();
    const auto more = read(first.size());
    EXPECT_NE(more.find(R"("operation":"snapshot")"), std::string::npos);
    EXPECT_EQ(first.size() + more.size(), wire().getattr(node_).out.attr.size);
}

TEST_F(EventsOnTheWire, ASlowReaderIsToldWhatItMissed) {
    const auto first = read(0);
    for (int i = 0; i < 100; ++i) do_something();
    auto offset = first.size();
    std::string rest;
    for (auto piece = read(offset, 512); !piece.empty(); piece = read(offset, 512)) {
        rest += piece;
        offset += piece.size();
    }
    ASSERT_TRUE(rest.starts_with(R"({"missed":)")) << rest;
    const auto missed = std::strtoull(rest.c_str() + std::string_view(R"({"missed":)").size(), nullptr, 10);
    EXPECT_EQ(missed + static_cast<std::uint64_t>(std::ranges::count(rest, '\n')) - 1, 100U);
    EXPECT_EQ(rest.find("missed", 20), std::string::npos) << "once";
    do_something();
    EXPECT_NE(read(offset).find("snapshot"), std::string::npos) << "and it goes on";
}

TEST_F(EventsOnTheWire, PollWaitsForMore) {
    EXPECT_NE(poll(false) & POLLIN, 0U) << "the beginning can be read";
    const auto all = read(0);
    EXPECT_EQ(poll(true) & POLLIN, 0U);
    do_something();
    const auto notified = wire().wait_notification(FUSE_NOTIFY_POLL);
    fuse_notify_poll_wakeup_out out{};
    ASSERT_EQ(notified.body.size(), sizeof out);
    std::memcpy(&out, notified.body.data(), sizeof out);
    EXPECT_EQ(out.kh, 77U);
    EXPECT_NE(poll(false) & POLLIN, 0U);
}

TEST_F(EventsOnTheWire, AClosedFileIsNotNotified) {
    (void)read(0);
    EXPECT_EQ(poll(true) & POLLIN, 0U);
    EXPECT_EQ(wire().release(node_, handle_), 0);
    do_something();
    EXPECT_EQ(wire().getattr(node_).error, 0);
    for (const auto& notification : wire().take_notifications()) EXPECT_NE(notification.code, FUSE_NOTIFY_POLL);
    handle_ = open();
}

TEST_F(EventsOnTheWire, OtherFilesAreAlwaysReady) {
    EXPECT_EQ(wire().release(node_, handle_), 0);
    node_ = wire().lookup(work_directory(), "root.img").out.nodeid;
    const auto opened = wire().open(node_, O_RDONLY);
    ASSERT_EQ(opened.error, 0);
    handle_ = opened.out.fh;
    EXPECT_EQ(poll(true) & (POLLIN | POLLOUT), unsigned{POLLIN | POLLOUT});
}

TEST_F(EventsOnTheWire, NobodyWrites) { EXPECT_EQ(wire().open(node_, O_WRONLY).error, EROFS); }

TEST_F(EventsOnTheWire, AnEndWithAWaiterIsAnEnd) {
    (void)read(0);
    EXPECT_EQ(poll(true) & POLLIN, 0U);
    end_session();
    do_something();
    begin();  // and its file is let go of
}

}  // namespace
}  // namespace varve::fuse_test
