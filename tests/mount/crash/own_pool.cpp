// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/mount/crash/own_pool.h"

namespace varve::test_support {

void OwnPoolTest::SetUp() {
    MountTest::SetUp();
    disk_ = std::make_unique<OwnDisk>(stage(), vm());
    ASSERT_FALSE(HasFailure());
    place_ = disk_->vm_path();
    ASSERT_EQ(make_state(place_ / "data.img", state_content(1), 1'500'000'000), ok);
    ASSERT_EQ(make_state(place_ / "data.img", state_content(2), 1'500'000'001), ok);
}

void OwnPoolTest::TearDown() {
    disk_.reset();
    MountTest::TearDown();
}

void OwnPoolTest::expect_untouched() const {
    EXPECT_EQ(read_file(place_ / "data.img"), state_content(2));
    EXPECT_EQ(read_file(place_ / "data.img@2017-07-14T02:40:00Z"), state_content(1));
}

}  // namespace varve::test_support
