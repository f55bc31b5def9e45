// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/mount/crash/own_pool.h"

namespace varve::test_support {

void OwnPoolTest::SetUp() {
    MountTest::SetUp();
    auto made = LoopFileSystem::make(FileSystemType::Xfs, base::Bytes{320ULL << 20});
    ASSERT_TRUE(made) << made.error().message();
    small_ = std::make_unique<LoopFileSystem>(*std::move(made));
    own_ = std::make_unique<VarveDaemon>(
        DaemonSettings{stage().directory() / (vm() + "-own"), {{"small", small_->path() / "pool", 1}}, "24h", stage().passthrough()});
    ASSERT_TRUE(own_->start());
    place_ = own_->mountpoint() / "pools" / "small" / "work";
    ASSERT_EQ(make_directory(place_), ok);
    ASSERT_EQ(make_state(place_ / "data.img", state_content(1), 1'500'000'000), ok);
    ASSERT_EQ(make_state(place_ / "data.img", state_content(2), 1'500'000'001), ok);
}

void OwnPoolTest::TearDown() {
    EXPECT_TRUE(own_ && own_->terminate() == 0);
    own_.reset();
    small_.reset();
    MountTest::TearDown();
}

void OwnPoolTest::expect_untouched() const {
    EXPECT_EQ(read_file(place_ / "data.img"), state_content(2));
    EXPECT_EQ(read_file(place_ / "data.img@2017-07-14T02:40:00Z"), state_content(1));
}

}  // namespace varve::test_support
