// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_name.h"

#include <gtest/gtest.h>

#include <string>

namespace varve::kernel {
namespace {

using base::Errc;

TEST(DmName, TakesWhatTheDriversMake) {
    for (const std::string& name : {std::string("origin-2049:131"), std::string("snapshot-2049:131-2049:140-2049:150"),
                                    std::string("qubes_dom0-vm--work--root"), std::string("a"), std::string(127, 'x')}) {
        const auto parsed = DmName::parse(name);
        ASSERT_TRUE(parsed) << parsed.error().message();
        EXPECT_EQ(parsed->str(), name);
    }
}

TEST(DmName, RefusesWhatWouldBecomeAnotherName) {
    for (const std::string& name :
         {std::string(), std::string("."), std::string(".."), std::string("control"), std::string("a/b"), std::string("a b"),
          std::string("a\nb"), std::string("a\\x20b"), std::string("a\0b", 3), std::string("\xc3\xa4"), std::string(128, 'x')}) {
        const auto parsed = DmName::parse(name);
        ASSERT_FALSE(parsed) << name;
        EXPECT_EQ(parsed.error().code, Errc::InvalidName);
    }
}

TEST(DmUuid, SaysWhosePoolItIs) {
    const auto uuid = uuid_in_pool("0f6c", "work:root").value();
    EXPECT_EQ(uuid.str(), "VARVE-0f6c-work:root");
    EXPECT_TRUE(uuid.str().starts_with(pool_uuid_prefix("0f6c")));
    // No pool's prefix begins another's.
    EXPECT_FALSE(uuid_in_pool("0f6c5", "a").value().str().starts_with(pool_uuid_prefix("0f6c")));
    EXPECT_TRUE(DmUuid::parse(std::string(128, 'u')));
    EXPECT_EQ(DmUuid::parse(std::string(129, 'u')).error().code, Errc::InvalidName);
    EXPECT_EQ(uuid_in_pool("0f6c", "a/b").error().code, Errc::InvalidName);
}

}  // namespace
}  // namespace varve::kernel
