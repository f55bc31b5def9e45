// SPDX-License-Identifier: LGPL-2.1-or-later
// What only the driver in memory has: a size, and devices that are cut by hand. Everything else is in the contract suite.
#include "drivers/sim/sim.h"

#include "tests/support/manual_clock.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace varve::sim {
namespace {

using base::Errc;

class SimTest : public testing::Test {
protected:
    static constexpr base::Bytes mebibyte{1 << 20};

    void SetUp() override { ASSERT_TRUE(pool_->create_vm(path_.vm, {})); }

    base::Result<std::optional<api::VolumeView>> execute(const api::VolumeView* present, const api::Command& command) {
        return pool_->execute(path_, present, command);
    }

    api::PrivateImage image(base::Bytes data) {
        auto made = pool_->create_image(path_.vm, {}).value();
        const std::string bytes(data.count, 'x');
        EXPECT_EQ(::pwrite(made.fd(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
        return made;
    }

    test_support::ManualClock clock_{{1'600'000'000, 0}};
    api::StateIds ids_;
    std::unique_ptr<api::Pool> pool_ = open({api::RevisionsToKeep::standard(), base::Bytes{4 << 20}}, ids_, clock_, {"boot"});
    base::VolumePath path_{base::VmName::parse("work").value(), base::VolumeName::parse("private").value()};
};

TEST_F(SimTest, APoolThatIsFullRefusesAndChangesNothing) {
    auto first = image({3 << 20});
    const auto made = execute(nullptr, api::Publish{&first, api::Publish::AsCommitted{}});
    ASSERT_TRUE(made);
    auto second = image({2 << 20});
    const auto refused = execute(&**made, api::Publish{&second, api::Publish::AsCommitted{}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::NoSpace);
    const auto left = pool_->load_volume(path_, &**made);
    ASSERT_TRUE(left && *left);
    EXPECT_EQ((*left)->committed->id, (*made)->committed->id);
    EXPECT_TRUE((*left)->revisions.empty());
}

TEST_F(SimTest, SpaceIsThatOfTheSizeParameter) {
    const auto before = pool_->space();
    ASSERT_TRUE(before);
    EXPECT_EQ(before->size, base::Bytes{4 << 20});
    EXPECT_EQ(before->used, base::Bytes{});
    const auto kept = image(mebibyte);
    const auto after = pool_->space();
    EXPECT_EQ(after->used, mebibyte);
    EXPECT_EQ(after->available, base::Bytes{3 << 20});
    EXPECT_EQ(pool_->parameters(), (std::vector<std::pair<std::string, std::string>>{{"size", "4194304"}}));
}

TEST_F(SimTest, SharedStatesAreCountedOnce) {
    auto first = image(mebibyte);
    auto view = execute(nullptr, api::Publish{&first, api::Publish::AsCommitted{}}).value();
    view = execute(&*view, api::TakeSnapshot{base::Label::parse("label").value()}).value();
    EXPECT_EQ(pool_->space()->used, mebibyte);
}

TEST_F(SimTest, ADeviceCutByHandIsFoundAndFilledUp) {
    auto view = execute(nullptr, api::Create{{.kind = api::Origin{}, .size = mebibyte, .revisions_to_keep = {}, .created = {}}}).value();
    view = execute(&*view, api::Start{}).value();
    const base::UniqueFd device(::open(pool_->device(path_, *view)->c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::ftruncate(device.get(), 1000), 0);
    const auto findings = pool_->verify(path_.vm);
    ASSERT_TRUE(findings);
    ASSERT_EQ(findings->size(), 1U);
    EXPECT_EQ(findings->front().object, "work/private");
    view = execute(&*view, api::Stop{}).value();
    EXPECT_EQ(view->committed->size, base::Bytes{1024});
    EXPECT_TRUE(pool_->verify(path_.vm)->empty());
}

TEST_F(SimTest, NobodyElseCanOpenItsPool) { EXPECT_FALSE(pool_->lock_directory()); }

}  // namespace
}  // namespace varve::sim
