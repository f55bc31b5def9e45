// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens that are announced to a thread: they come, they come late, or they never come.
#include "tests/unit/engine/world.h"

#include <cerrno>
#include <future>

namespace varve::engine_test {
namespace {

class Announced : public World {
protected:
    const VolumeRef root_ = origin("vm", "root");
};

// Whoever was announced is given up at once.
class Abandoned : public World {
protected:
    Abandoned() : World(impatient()) {}
    static engine::Settings impatient() {
        auto settings = quick();
        settings.wait_open = std::chrono::milliseconds(0);
        return settings;
    }

    const VolumeRef root_ = origin("vm", "root");
};

TEST_F(Announced, AnOpenOnItsWayKeepsTheVolumeBusy) {
    const auto announced = writes_.open(root_, process(1), false);
    ASSERT_TRUE(succeeded(announced));
    EXPECT_TRUE(failed(volumes_.start(root_), Errc::Busy));
    ASSERT_TRUE(writes_.open_announced(*announced, 1));
    EXPECT_TRUE(succeeded((*announced)->released()));
    EXPECT_TRUE(succeeded(volumes_.start(root_)));
}

TEST_F(Announced, AJoinKeepsTheTransactionWhileTheFirstHandleIsReleased) {
    const auto first = open(root_, 1);
    ASSERT_TRUE(succeeded(write(*first, "first")));
    const auto joined = writes_.open(root_, process(1), false);
    ASSERT_TRUE(succeeded(joined));
    ASSERT_EQ(*joined, first);
    EXPECT_TRUE(succeeded(first->flush(process(1))));
    EXPECT_TRUE(succeeded(first->released()));
    EXPECT_EQ(root_.vm->writes().find("root.img"), first);
    ASSERT_TRUE(writes_.open_announced(*joined, 1));
    EXPECT_EQ(revisions(root_).size(), 1U);
    ASSERT_TRUE(succeeded(write(**joined, "second")));
    EXPECT_TRUE(succeeded((*joined)->flush(process(1))));
    EXPECT_TRUE(succeeded((*joined)->released()));
    EXPECT_EQ(read(root_), "second");
    EXPECT_EQ(revisions(root_).size(), 2U) << "what the close had reported is kept";
    EXPECT_TRUE(root_.vm->writes().files().empty());
}

class Creating : public World {
protected:
    static engine::Settings patient() {
        auto settings = quick();
        settings.wait_busy = std::chrono::minutes(1);
        return settings;
    }
    Creating() : World(patient()) {
        auto created = writes_.create({vm("vm"), volume_name("new")}, {}, process(1));
        EXPECT_TRUE(succeeded(created));
        created_ = *created;
        EXPECT_TRUE(succeeded(write(*created_, "first")));
        EXPECT_TRUE(succeeded(created_->set_size(mebibytes(1))));
    }
    static bool stale(const Result<>& opened) {
        return !opened && opened.error().cause == std::error_code(ESTALE, std::generic_category());
    }
    std::shared_ptr<engine::Transaction> created_;
};

TEST_F(Creating, ItsProcessOpensItOnceMoreAndNobodyElse) {
    EXPECT_TRUE(failed(writes_.open_again(created_, process(2)), Errc::Busy));
    ASSERT_TRUE(succeeded(writes_.open_again(created_, process(1))));
    EXPECT_TRUE(succeeded(created_->released()));
    EXPECT_TRUE(created_->has_handles());
    EXPECT_TRUE(succeeded(created_->released()));
    EXPECT_TRUE(stale(writes_.open_again(created_, process(1)))) << "the path is a state's by now";
}

// The kernel tells of a release some time after it has answered close(2).
TEST_F(Creating, WhoOpensAfterTheCloseIsNotRefused) {
    ASSERT_TRUE(succeeded(created_->flush(process(1))));
    auto opened = std::async(std::launch::async, [&] { return writes_.open_again(created_, process(2)); });
    EXPECT_EQ(opened.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
    EXPECT_TRUE(succeeded(created_->released()));
    EXPECT_TRUE(stale(opened.get()));
    EXPECT_TRUE(succeeded(volumes_.start(created_->ref())));
}

TEST_F(Abandoned, AnOpenThatNeverComesDoesNotKeepTheVolumeBusy) {
    ASSERT_TRUE(succeeded(writes_.open(root_, process(1), false)));
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    ASSERT_TRUE(succeeded(volumes_.stop(root_, api::Stop::Outcome::Discard)));
    ASSERT_TRUE(succeeded(writes_.open(root_, process(1), false)));
    const auto other = open(root_, 2);
    ASSERT_TRUE(succeeded(write(*other, "other", 2)));
    EXPECT_TRUE(succeeded(other->flush(process(2))));
    EXPECT_TRUE(succeeded(other->released()));
    EXPECT_EQ(read(root_), "other");
}

TEST_F(Abandoned, AnOpenThatNeverComesIsNotShownAsWriting) {
    ASSERT_TRUE(succeeded(writes_.open(root_, process(1), false)));
    EXPECT_EQ(root_.vm->writes().find("root.img"), nullptr);
    ASSERT_TRUE(succeeded(writes_.open(root_, process(1), false)));
    EXPECT_TRUE(root_.vm->writes().files().empty());
}

TEST_F(Abandoned, AnOpenThatComesTooLateIsRefused) {
    const auto announced = writes_.open(root_, process(1), false);
    ASSERT_TRUE(succeeded(announced));
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    EXPECT_FALSE(writes_.open_announced(*announced, 1));
    EXPECT_FALSE((*announced)->expect_open());
    EXPECT_FALSE((*announced)->has_handles());
}

TEST_F(Abandoned, AJoinThatNeverComesDoesNotKeepAReleasedTransaction) {
    const auto first = open(root_, 1);
    ASSERT_TRUE(succeeded(write(*first, "first")));
    ASSERT_TRUE(succeeded(writes_.open(root_, process(1), false)));
    EXPECT_TRUE(succeeded(first->released()));
    EXPECT_EQ(read(root_), "first");
    EXPECT_TRUE(succeeded(volumes_.start(root_)));
}

TEST_F(Abandoned, OneThatIsOpenIsNotAbandoned) {
    const auto opened = open(root_, 1);
    EXPECT_FALSE(opened->end_if_abandoned());
    EXPECT_TRUE(failed(volumes_.start(root_), Errc::Busy));
    EXPECT_TRUE(succeeded(opened->released()));
}

TEST_F(Abandoned, APoolIsRemovedWhenOnlyAnOpenThatNeverComesIsLeft) {
    engine::Catalogue catalogue;
    ASSERT_TRUE(succeeded(catalogue.add(pool_)));
    ASSERT_TRUE(succeeded(writes_.open(root_, process(1), false)));
    EXPECT_TRUE(succeeded(catalogue.remove(pool_->name())));
}

}  // namespace
}  // namespace varve::engine_test
