// SPDX-License-Identifier: LGPL-2.1-or-later
// What readers see, while they have it open.
#include "tests/guest/file/real_stacks.h"

namespace varve::file {
namespace {

constexpr std::uint64_t views_size = 4 * mib;

class Views : public RealStacks {};

TEST_F(Views, AnOpenStateGoesOnWhateverHappens) {
    std::mt19937 random(1);
    const auto v0 = pattern(views_size, 1);
    TestVolume root("work/private", v0);
    auto before = stacks().open_state(root.files()).value();
    auto origin = start_origin(root, v0);
    for (int i = 0; i < 10; ++i) origin.write_anywhere(random, views_size);
    auto running = stacks().open_state(root.files()).value();
    EXPECT_EQ(difference(content_of(before.get()), v0), "") << "opened before the start";
    EXPECT_EQ(difference(content_of(running.get()), v0), "") << "opened while it runs";
    const auto v1 = origin.content();
    stop_origin(root, origin);
    const auto committed = stacks().open_state(root.files()).value();
    const auto old = stacks().open_revision(root.files(), root.old()).value();
    origin = start_origin(root, v1);
    for (int i = 0; i < 30; ++i) origin.write_anywhere(random, views_size);
    stop_origin(root, origin);
    EXPECT_EQ(difference(content_of(before.get()), v0), "");
    EXPECT_EQ(difference(content_of(running.get()), v0), "");
    EXPECT_EQ(difference(content_of(old.get()), v0), "");
    EXPECT_EQ(difference(content_of(committed.get()), v1), "");
    char byte = 'x';
    EXPECT_LT(::write(before.get(), &byte, 1), 0) << "it can only be read";
}

TEST_F(Views, TheOldRevisionStandsOnThePresentStateWhileTheOriginWrites) {
    std::mt19937 random(2);
    const auto v0 = pattern(views_size, 1);
    TestVolume root("work/private", v0);
    auto origin = start_origin(root, v0);
    for (int i = 0; i < 5; ++i) origin.write_anywhere(random, views_size);
    const auto v1 = origin.content();
    stop_origin(root, origin);
    expect_nothing_left();

    origin = start_origin(root, v1);
    const auto old = stacks().open_revision(root.files(), root.old()).value();
    for (int i = 0; i < 30; ++i) {
        origin.write_anywhere(random, views_size);
        if (i % 10 == 0) expect_revision(root, v0, "opened while it is written");
    }
    EXPECT_EQ(difference(content_of(old.get()), v0), "") << "opened before it was written";
    expect_state(root, v1, "the state from before the start");
    const auto again = std::string(content_of(old.get()));
    EXPECT_EQ(difference(again, v0), "");
    stop_origin(root, origin);
}

TEST_F(Views, TheBaseOfASessionOutlivesCommits) {
    std::mt19937 random(3);
    const auto v0 = pattern(views_size, 1);
    TestVolume root("fedora/root", v0);
    const TestSnapshot own("work/root", {views_size});
    auto vm = start_snapshot(root, own, v0);
    vm.write_anywhere(random, views_size);
    auto origin = start_origin(root, v0);
    for (int commit = 0; commit < 3; ++commit) {
        for (int i = 0; i < 10; ++i) origin.write_anywhere(random, views_size);
        const auto content = origin.content();
        stop_origin(root, origin);
        const auto base = stacks().open_base(own.name, own.cow.get());
        ASSERT_TRUE(base) << base.error().message();
        EXPECT_EQ(difference(content_of(base->get()), v0), "") << commit;
        origin = start_origin(root, content);
    }
    vm.expect_its_content("the VM");
    stop_origin(root, origin);
    stop_snapshot(own, vm);
}

}  // namespace
}  // namespace varve::file
