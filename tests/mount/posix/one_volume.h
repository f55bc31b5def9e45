// SPDX-License-Identifier: LGPL-2.1-or-later
// A VM with one origin volume, data.img, in its first state: what most tests of transactions begin with.
#pragma once

#include "tests/support/mount_fixture.h"

#include <string>
#include <vector>

namespace varve::test_support {

using Names = std::vector<std::string>;

inline constexpr std::int64_t first_time = 1'500'000'000;  // 2017-07-14T02:40:00Z
inline constexpr std::size_t volume_size = 64 << 10;

class OneVolumeTest : public MountTest {
protected:
    void SetUp() override {
        MountTest::SetUp();
        ASSERT_EQ(make_state(data(), old_content_, first_time), ok);
        ASSERT_EQ(names(), Names{"data.img"});
    }

    [[nodiscard]] Path data() const { return at("data.img"); }
    [[nodiscard]] Path data_old() const { return revision("data", first_time); }

    // The whole history: the committed content, and the one state that it replaced.
    void expect_one_commit(const std::string& content) const {
        EXPECT_TRUE(eventually([&] { return value("data", "state") == "halted"; })) << value("data", "state");
        EXPECT_EQ(bystander().read(data()), content);
        EXPECT_EQ(names(), (Names{"data.img", data_old().filename()}));
        EXPECT_EQ(read_file(data_old()), old_content_);
    }

    void expect_nothing_committed() const {
        EXPECT_TRUE(eventually([&] { return value("data", "state") == "halted"; })) << value("data", "state");
        EXPECT_EQ(bystander().read(data()), old_content_);
        EXPECT_EQ(names(), Names{"data.img"});
        EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, first_time);
    }

    const std::string old_content_ = pattern('a', volume_size);
    const std::string new_content_ = pattern('b', volume_size);
};

}  // namespace varve::test_support
