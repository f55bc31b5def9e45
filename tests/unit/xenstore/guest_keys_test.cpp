// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/xenstore/guest_keys.h"

#include "tests/fakes/fake_xenstore.h"
#include "tests/unit/xenstore/words.h"

#include <gtest/gtest.h>

#include <thread>

namespace varve::xenstore {
namespace {

using base::Errc;

constexpr DomainId domain{7};

Key key(const std::string& text) { return *Key::parse(text); }

class GuestKeysTest : public testing::Test {
protected:
    fakes::FakeXenStore store_;
    const GuestKeys keys_{{key("name"), "work"}, {key("template"), "fedora"}};
};

TEST_F(GuestKeysTest, TheGuestReadsItsKeysAndOwnsItsPlace) {
    ASSERT_TRUE(publish(store_, domain, keys_));
    EXPECT_EQ(*store_.read(path("/local/domain/7/varve/name")), "work");
    EXPECT_EQ(*store_.read(path("/local/domain/7/varve/template")), "fedora");
    const Permissions readable{control_domain, Access::None, {{domain, Access::Read}}};
    EXPECT_EQ(*store_.permissions_of(path("/local/domain/7/varve")), readable);
    EXPECT_EQ(*store_.permissions_of(path("/local/domain/7/varve/name")), readable);
    EXPECT_EQ(store_.permissions_of(path("/local/domain/7/varve/guest"))->owner, domain);
}

TEST_F(GuestKeysTest, NothingOfAnEarlierDomainStays) {
    ASSERT_TRUE(store_.write(path("/local/domain/7/varve/guest/ready"), "1"));
    ASSERT_TRUE(store_.write(path("/local/domain/7/varve/old"), "secret"));
    ASSERT_TRUE(publish(store_, domain, keys_));
    EXPECT_EQ(store_.read(path("/local/domain/7/varve/old")).error().code, Errc::NotFound);
    EXPECT_EQ(wait_for_guest(store_, domain, key("ready"), "1", milliseconds(0)).error().code, Errc::TimedOut);
}

TEST_F(GuestKeysTest, TheGuestsPlaceIsNotAKey) {
    EXPECT_EQ(publish(store_, domain, {{key("guest"), "x"}}).error().code, Errc::InvalidArgument);
    EXPECT_TRUE(store_.list(path("/"))->empty());
}

TEST_F(GuestKeysTest, ItIsWaitedForTheValue) {
    ASSERT_TRUE(publish(store_, domain, keys_));
    std::jthread guest([&] {
        for (const auto* value : {"", "0", "11", "1"}) EXPECT_TRUE(store_.write(path("/local/domain/7/varve/guest/ready"), value));
    });
    const auto ready = wait_for_guest(store_, domain, key("ready"), "1", long_enough);
    EXPECT_TRUE(ready) << ready.error().message();
}

TEST_F(GuestKeysTest, AnotherDomainsWordDoesNotCount) {
    ASSERT_TRUE(store_.write(path("/local/domain/77/varve/guest/ready"), "1"));
    const auto ready = wait_for_guest(store_, domain, key("ready"), "1", milliseconds(20));
    EXPECT_EQ(ready.error().code, Errc::TimedOut);
    EXPECT_NE(ready.error().message().find("/local/domain/7/varve/guest/ready"), std::string::npos);
}

TEST_F(GuestKeysTest, AGuestThatWritesWithoutEndDoesNotHoldItUp) {
    std::jthread guest([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) EXPECT_TRUE(store_.write(path("/local/domain/7/varve/guest/ready"), "0"));
    });
    EXPECT_EQ(wait_for_guest(store_, domain, key("ready"), "1", milliseconds(50)).error().code, Errc::TimedOut);
}

TEST_F(GuestKeysTest, WaitingCanBeGivenUp) {
    EXPECT_EQ(wait_for_guest(store_, domain, key("ready"), "1", long_enough, [] { return true; }).error().code, Errc::Interrupted);
}

}  // namespace
}  // namespace varve::xenstore
