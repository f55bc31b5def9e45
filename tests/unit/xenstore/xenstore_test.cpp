// SPDX-License-Identifier: LGPL-2.1-or-later
// One contract for the store in memory, and for the real library.
#include "orchestrator/xenstore/libxenstore.h"
#include "tests/fakes/fake_xenstore.h"
#include "tests/support/xenstored.h"
#include "tests/unit/xenstore/words.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace varve::xenstore {
namespace {

using base::Errc;

constexpr milliseconds no_time{0};

class XenStoreContract : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (std::string(GetParam()) == "memory") return;
        socket_ = std::filesystem::temp_directory_path() / ("varve-xenstored-" + std::to_string(::getpid()));
        server_.emplace(behind_, socket_);
        ASSERT_EQ(::setenv("XENSTORED_PATH", socket_.c_str(), 1), 0);
        auto opened = open_libxenstore();
        ASSERT_TRUE(opened) << opened.error().message();
        library_ = std::move(*opened);
    }

    XenStore& store() { return library_ ? *library_ : behind_; }
    // The same store, as somebody else uses it.
    fakes::FakeXenStore& somebody() { return behind_; }

private:
    fakes::FakeXenStore behind_;
    std::filesystem::path socket_;
    std::optional<test_support::Xenstored> server_;
    std::unique_ptr<XenStore> library_;
};

TEST_P(XenStoreContract, WhatWasWrittenIsRead) {
    ASSERT_TRUE(store().write(path("/a/b"), "value"));
    EXPECT_EQ(*store().read(path("/a/b")), "value");
    EXPECT_EQ(*store().read(path("/a")), "") << "the directories above are there, too";
    ASSERT_TRUE(store().write(path("/a/b"), ""));
    EXPECT_EQ(*store().read(path("/a/b")), "");
    ASSERT_TRUE(store().write(path("/a/bytes"), std::string("x\0y\xff", 4)));
    EXPECT_EQ(*store().read(path("/a/bytes")), std::string("x\0y\xff", 4));
}

TEST_P(XenStoreContract, WhatIsMissing) {
    EXPECT_EQ(store().read(path("/none")).error().code, Errc::NotFound);
    EXPECT_EQ(store().list(path("/none")).error().code, Errc::NotFound);
    EXPECT_EQ(store().set_permissions(path("/none"), {}).error().code, Errc::NotFound);
    EXPECT_TRUE(store().ensure_removed(path("/none")));
    EXPECT_TRUE(store().ensure_removed(path("/none/below")));
}

TEST_P(XenStoreContract, AListHasWhatIsRightBelow) {
    ASSERT_TRUE(store().write(path("/d/one"), "1"));
    ASSERT_TRUE(store().write(path("/d/two/deep"), "2"));
    ASSERT_TRUE(store().ensure_directory(path("/d/three")));
    auto names = *store().list(path("/d"));
    std::ranges::sort(names);
    EXPECT_EQ(names, (std::vector<std::string>{"one", "three", "two"}));
    EXPECT_TRUE(store().list(path("/d/three"))->empty());
}

TEST_P(XenStoreContract, RemovalTakesEverythingBelow) {
    ASSERT_TRUE(store().write(path("/d/one"), "1"));
    ASSERT_TRUE(store().write(path("/d-not/one"), "1"));
    ASSERT_TRUE(store().ensure_removed(path("/d")));
    EXPECT_EQ(store().read(path("/d/one")).error().code, Errc::NotFound);
    EXPECT_EQ(*store().read(path("/d-not/one")), "1");
}

TEST_P(XenStoreContract, PermissionsArriveWhole) {
    ASSERT_TRUE(store().write(path("/p"), "1"));
    const Permissions permissions{{3}, Access::Read, {{{4}, Access::ReadWrite}, {{5}, Access::Write}, {{6}, Access::None}}};
    ASSERT_TRUE(store().set_permissions(path("/p"), permissions));
    EXPECT_EQ(*somebody().permissions_of(path("/p")), permissions);
}

TEST_P(XenStoreContract, AValueThatIsTooLargeIsRefused) {
    EXPECT_FALSE(store().write(path("/large"), std::string(5000, 'x')));
    EXPECT_EQ(store().read(path("/large")).error().code, Errc::NotFound);
    EXPECT_TRUE(store().write(path("/large"), "small")) << "and the connection lives on";
}

TEST_P(XenStoreContract, ATransactionIsAllOrNothing) {
    ASSERT_TRUE(store().transact([&](Tree& tree) -> base::Result<> {
        TRY(tree.write(path("/t/a"), "1"));
        TRY(tree.write(path("/t/b"), "2"));
        EXPECT_EQ(TRY(tree.read(path("/t/a"))), "1");
        EXPECT_FALSE(somebody().read(path("/t/a"))) << "seen before its end";
        return {};
    }));
    EXPECT_EQ(*store().read(path("/t/b")), "2");

    const auto refused = store().transact([&](Tree& tree) -> base::Result<> {
        TRY(tree.write(path("/t/a"), "other"));
        return base::fail(Errc::Denied, "no");
    });
    EXPECT_EQ(refused.error().code, Errc::Denied);
    EXPECT_EQ(*store().read(path("/t/a")), "1");
}

TEST_P(XenStoreContract, ATransactionRunsAgainWhenSomebodyCameBetween) {
    int runs = 0;
    ASSERT_TRUE(store().transact([&](Tree& tree) -> base::Result<> {
        if (++runs == 1) TRY(somebody().write(path("/t/count"), "41"));
        const auto before = tree.read(path("/t/count"));
        return tree.write(path("/t/count"), before ? std::to_string(std::stoi(*before) + 1) : "0");
    }));
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(*store().read(path("/t/count")), "42");
}

TEST_P(XenStoreContract, ATransactionThatNeverFitsIsBusy) {
    int runs = 0;
    const auto done = store().transact([&](Tree& tree) -> base::Result<> {
        TRY(somebody().write(path("/t/other"), std::to_string(++runs)));
        return tree.write(path("/t/mine"), "1");
    });
    EXPECT_EQ(done.error().code, Errc::Busy);
    EXPECT_EQ(runs, XenStore::most_tries);
}

TEST_P(XenStoreContract, AWatchFiresOnceAtTheBeginningAndForEachChange) {
    auto watch = store().watch(path("/w"));
    ASSERT_TRUE(watch) << watch.error().message();
    EXPECT_TRUE(*(*watch)->wait(long_enough));
    EXPECT_FALSE(*(*watch)->wait(no_time));
    ASSERT_TRUE(somebody().write(path("/w/below"), "1"));
    EXPECT_TRUE(*(*watch)->wait(long_enough));
    ASSERT_TRUE(somebody().ensure_removed(path("/w")));
    EXPECT_TRUE(*(*watch)->wait(long_enough));
    ASSERT_TRUE(somebody().write(path("/wx"), "1"));
    EXPECT_FALSE(*(*watch)->wait(milliseconds(60))) << "that is beside it";
}

TEST_P(XenStoreContract, WatchesDoNotTakeEachOthersChanges) {
    auto one = *store().watch(path("/one"));
    auto two = *store().watch(path("/two"));
    EXPECT_TRUE(*one->wait(long_enough));
    EXPECT_TRUE(*two->wait(long_enough));
    ASSERT_TRUE(somebody().write(path("/two"), "1"));
    EXPECT_FALSE(*one->wait(milliseconds(60)));
    EXPECT_TRUE(*two->wait(long_enough));
}

TEST_P(XenStoreContract, AChangeWakesAWaiter) {
    auto watch = *store().watch(path("/w"));
    EXPECT_TRUE(*watch->wait(long_enough));
    std::jthread writer([&] { EXPECT_TRUE(somebody().write(path("/w"), "now")); });
    EXPECT_TRUE(*watch->wait(long_enough));
    EXPECT_EQ(*store().read(path("/w")), "now");
}

INSTANTIATE_TEST_SUITE_P(All, XenStoreContract, testing::Values("memory", "library"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST(LibXenStore, WithoutXenItSaysWhatToDo) {
    ASSERT_EQ(::setenv("XENSTORED_PATH", "/nonexistent/socket", 1), 0);
    const auto opened = open_libxenstore();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::Unsupported);
    EXPECT_NE(opened.error().message().find("control domain"), std::string::npos);
}

TEST(LibXenStore, AServerThatGoesAwayIsAnError) {
    const auto socket = std::filesystem::temp_directory_path() / ("varve-xenstored-gone-" + std::to_string(::getpid()));
    ASSERT_EQ(::setenv("XENSTORED_PATH", socket.c_str(), 1), 0);
    fakes::FakeXenStore behind;
    std::optional<test_support::Xenstored> server(std::in_place, behind, socket);
    const auto store = *open_libxenstore();
    auto watch = *store->watch(path("/w"));
    EXPECT_TRUE(*watch->wait(long_enough));
    server.reset();
    EXPECT_FALSE(store->write(path("/a"), "1"));
    EXPECT_FALSE(watch->wait(long_enough));
}

}  // namespace
}  // namespace varve::xenstore
