// SPDX-License-Identifier: LGPL-2.1-or-later
// A running origin grows; its states keep their sizes.
#include "tests/guest/file/real_stacks.h"

#include <unistd.h>

namespace varve::file {
namespace {

class StackResize : public RealStacks {};

TEST_F(StackResize, ARunningOriginGrowsUnderItsVersions) {
    std::mt19937 random(1);
    constexpr std::uint64_t small = 4 * mib;
    constexpr std::uint64_t large = 6 * mib + 512;
    const auto v0 = pattern(small, 1);
    TestVolume root("fedora/root", v0);
    const TestSnapshot own("work/root", {small});
    auto origin = start_origin(root, v0);
    auto vm = start_snapshot(root, own, v0);
    auto view = stacks().open_state(root.files()).value();
    origin.write_anywhere(random, small);

    ASSERT_EQ(::ftruncate(root.image.get(), large), 0);
    const auto grown = stacks().grow_origin(root.name, root.image.get());
    ASSERT_TRUE(grown) << grown.error().message();
    EXPECT_EQ(size_of_device(origin.fd()), large) << "for the guest that has it open";
    origin.grow(large);
    origin.write(small, pattern(2 * mib, 2));
    for (int i = 0; i < 20; ++i) origin.write_anywhere(random, small);
    EXPECT_EQ(size_of_device(view.get()), small);
    EXPECT_EQ(difference(content_of(view.get()), v0), "");
    vm.expect_its_content("the VM");
    expect_state(root, v0, "the state from before the start");

    // A process that died: the state has its size in its COW file, the image its own.
    EXPECT_EQ(state_size({static_cast<std::uint64_t>(::lseek(root.cow.get(), 0, SEEK_END))}, {large}).value(), base::Bytes{small});
    restart();
    ASSERT_TRUE(stacks().recover());
    EXPECT_TRUE(stacks().start_origin(root.files())) << "it runs";

    origin.close();
    ASSERT_TRUE(stacks().stop_origin(root.name, root.image.get()));
    root.size = {large};
    root.old_cow = std::exchange(root.cow, base::UniqueFd());
    root.old_size = {small};
    kernel::PosixFileSystem files;
    root.cow = new_file(0);
    ASSERT_TRUE(make_cow_file(files, root.cow.get(), root.size));
    const auto v1 = origin.content();
    expect_state(root, v1, "the committed state");
    expect_revision(root, v0, "the old state");
    const TestSnapshot next("mail/root", {large});
    auto vm2 = start_snapshot(root, next, v1);
    EXPECT_EQ(size_of_device(vm2.fd()), large);
    view.reset();
    stop_snapshot(own, vm);
    stop_snapshot(next, vm2);
    expect_revision(root, v0, "the old state, on top of the larger one");
}

}  // namespace
}  // namespace varve::file
