// SPDX-License-Identifier: LGPL-2.1-or-later
// Snapshots of snapshots: disposable -> app -> template.
#include "tests/unit/engine/world.h"

namespace varve::engine_test {
namespace {

class Chain : public World {
protected:
    VolumeRef ref(std::string_view vm_name) { return {vm(vm_name), volume_name("root")}; }

    const VolumeRef template_ = origin("fedora", "root");
    const VolumeRef app_ = snapshot("work", "root", template_);
    const VolumeRef disposable_ = snapshot("disp1", "root", app_);
};

TEST_F(Chain, ADisposableStartsFromTheTemplate) {
    commit(template_, "v1", 1000);
    ASSERT_TRUE(succeeded(volumes_.start(app_)));
    write_device(app_, "the app's own");
    ASSERT_TRUE(succeeded(volumes_.start(disposable_)));
    EXPECT_EQ(read(disposable_, api::BaseState{}), "v1");
}

TEST_F(Chain, ADisposableIsOutdatedOnceTheTemplateHasANewState) {
    commit(template_, "v1", 1000);
    ASSERT_TRUE(succeeded(volumes_.start(disposable_)));
    EXPECT_FALSE(volumes_.outdated(disposable_));
    commit(template_, "v2", 2000);
    EXPECT_TRUE(volumes_.outdated(disposable_));
    ASSERT_TRUE(succeeded(volumes_.stop(disposable_, api::Stop::Outcome::Discard)));
    ASSERT_TRUE(succeeded(volumes_.start(disposable_)));
    EXPECT_FALSE(volumes_.outdated(disposable_));
    EXPECT_EQ(read(disposable_, api::BaseState{}), "v2");
}

TEST_F(Chain, AFixedStepEndsIt) {
    commit(template_, "v1", 1000);
    ASSERT_TRUE(succeeded(volumes_.take_snapshot(template_, label("stable"))));
    commit(template_, "v2", 2000);
    const auto fixed = snapshot("other", "root", template_, revision("stable"));
    const auto child = snapshot("disp2", "root", fixed);
    ASSERT_TRUE(succeeded(volumes_.start(child)));
    EXPECT_EQ(read(child, api::BaseState{}), "v1");
    commit(template_, "v3", 3000);
    EXPECT_FALSE(volumes_.outdated(child)) << "it is fixed to what has not changed";
    const auto point = volumes_.start_point(child);
    ASSERT_TRUE(succeeded(point));
    ASSERT_TRUE(point->has_value());
    EXPECT_EQ((*point)->where, (api::Source{template_.path(), revision("stable")}));
}

TEST_F(Chain, AMissingVolumeOnTheWayIsNotFound) {
    const auto orphan = snapshot("orphan", "root", ref("nobody"));
    const auto child = snapshot("child", "root", orphan);
    const auto refused = volumes_.start(child);
    ASSERT_TRUE(failed(refused, Errc::NotFound));
    EXPECT_NE(refused.error().context.find("orphan/root"), std::string::npos);
    EXPECT_FALSE(volumes_.blockers(child).empty());
}

TEST_F(Chain, ACircleIsRefused) {
    const auto first = snapshot("a", "root", ref("b"));
    (void)snapshot("b", "root", ref("c"));
    (void)snapshot("c", "root", first);
    const auto refused = volumes_.start(first);
    ASSERT_TRUE(failed(refused, Errc::InvalidArgument));
    EXPECT_NE(refused.error().context.find("circle"), std::string::npos);
    ASSERT_FALSE(volumes_.blockers(first).empty());
    EXPECT_NE(volumes_.blockers(first).front().find("circle"), std::string::npos);
}

TEST_F(Chain, ItHasSixteenStepsAtMost) {
    auto last = template_;
    for (std::size_t step = 1; step <= engine::longest_chain; ++step) last = snapshot("s" + std::to_string(step), "root", last);
    EXPECT_TRUE(succeeded(volumes_.start(last)));
    const auto longer = snapshot("longer", "root", last);
    const auto refused = volumes_.start(longer);
    ASSERT_TRUE(failed(refused, Errc::InvalidArgument));
    EXPECT_NE(refused.error().context.find("longer than 16"), std::string::npos);
}

TEST_F(Chain, ADirtySessionIsContinuedWhateverBecameOfItsSource) {
    commit(template_, "v1", 1000);
    ASSERT_TRUE(succeeded(volumes_.start(disposable_)));
    reboot();
    const VolumeRef again = ref("disp1");
    ASSERT_TRUE(succeeded(writes_.link_source(ref("work"), "../disp1/root.img")));
    EXPECT_TRUE(succeeded(volumes_.start(again)));
    EXPECT_TRUE(volumes_.outdated(again)) << "nobody can tell what it would start from";
}

TEST_F(Chain, TheStepsFollowARename) {
    ASSERT_TRUE(succeeded(volumes_.rename_vm(app_.vm, vm_name("office"))));
    commit(template_, "v1", 1000);
    ASSERT_TRUE(succeeded(volumes_.start(disposable_)));
    EXPECT_EQ(read(disposable_, api::BaseState{}), "v1");
    EXPECT_TRUE(failed(volumes_.remove(app_), Errc::Busy)) << "it is a source";
}

}  // namespace
}  // namespace varve::engine_test
