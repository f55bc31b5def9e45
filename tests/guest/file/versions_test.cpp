// SPDX-License-Identifier: LGPL-2.1-or-later
// VMs on several versions of a template that is being written.
#include "tests/guest/file/real_stacks.h"
#include "tests/support/loop_filesystem.h"

#include <thread>
#include <vector>

namespace varve::file {
namespace {

constexpr std::uint64_t versions_size = 8 * mib;

class Versions : public RealStacks {
protected:
    void write_while_vms_run(const Place& place);
    std::optional<test_support::LoopFileSystem> disk_;
};

TEST_F(Versions, EachVmSeesExactlyItsOwnWhileTheTemplateWrites) { write_while_vms_run({}); }

// Where loop devices go past the page cache.
TEST_F(Versions, TheSameOnAFileSystemWithoutReflinks) {
    auto ext4 = test_support::LoopFileSystem::make(test_support::FileSystemType::Ext4, {128 * mib});
    ASSERT_TRUE(ext4) << ext4.error().message();
    disk_.emplace(*std::move(ext4));
    count_loops();
    write_while_vms_run(disk_->path());
}

void Versions::write_while_vms_run(const Place& place) {
    std::mt19937 random(1);
    const auto v0 = pattern(versions_size, 100);
    TestVolume root("fedora/root", v0, place);
    auto origin = start_origin(root, v0);
    const TestSnapshot own1("work/root", {versions_size}, place);
    const TestSnapshot own2("mail/root", {versions_size}, place);
    const TestSnapshot own3("bank/root", {versions_size}, place);
    auto vm1 = start_snapshot(root, own1, v0);
    for (int i = 0; i < 20; ++i) origin.write_anywhere(random, versions_size);
    auto vm2 = start_snapshot(root, own2, v0);
    const auto check = [&](const std::string& when) {
        origin.expect_its_content("the template " + when);
        vm1.expect_its_content("the first VM " + when);
        vm2.expect_its_content("the second VM " + when);
    };
    check("in its first session");
    const auto v1 = origin.content();
    stop_origin(root, origin);
    vm1.expect_its_content("the first VM after the commit");
    expect_revision(root, v0, "the first version, after the commit");

    auto vm3 = start_snapshot(root, own3, v1);
    origin = start_origin(root, v1);
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 10; ++i) {
            origin.write_anywhere(random, versions_size);
            vm1.write_anywhere(random, versions_size);
            vm2.write_anywhere(random, versions_size);
            vm3.write_anywhere(random, versions_size);
        }
        check("in round " + std::to_string(round));
        vm3.expect_its_content("the third VM in round " + std::to_string(round));
        expect_state(root, v1, "the state from before the start");
        expect_revision(root, v0, "the old version");
    }

    // Committed with three VMs on two versions; and a third begins.
    const auto v2 = origin.content();
    stop_origin(root, origin);
    expect_state(root, v2, "the third version");
    expect_revision(root, v1, "the second version");
    origin = start_origin(root, v2);
    for (int i = 0; i < 40; ++i) origin.write_anywhere(random, versions_size);
    check("in its third session");
    vm3.expect_its_content("the third VM at last");
    expect_state(root, v2, "the state from before the third start");

    stop_snapshot(own1, vm1);
    EXPECT_EQ(devices(), 6U) << "the second VM still needs the first version";
    stop_snapshot(own2, vm2);
    EXPECT_EQ(devices(), 4U);
    origin.write_anywhere(random, versions_size);
    vm3.expect_its_content("the third VM beside fewer versions");
    stop_snapshot(own3, vm3);
    stop_origin(root, origin);
    expect_nothing_left();
}

// All at once, as VMs do.
TEST_F(Versions, ManyWritersAtOnce) {
    const auto v0 = pattern(versions_size, 7);
    TestVolume root("fedora/root", v0);
    const TestSnapshot own1("work/root", {versions_size});
    const TestSnapshot own2("mail/root", {versions_size});
    auto vm1 = start_snapshot(root, own1, v0);
    auto origin = start_origin(root, v0);
    std::mt19937 random(2);
    for (int i = 0; i < 10; ++i) origin.write_anywhere(random, versions_size);
    const auto v1 = origin.content();
    stop_origin(root, origin);
    auto vm2 = start_snapshot(root, own2, v1);
    origin = start_origin(root, v1);
    {
        std::vector<std::jthread> running;
        unsigned seed = 10;
        for (auto* const guest : {&origin, &vm1, &vm2})
            running.emplace_back([guest, seed = ++seed] {
                std::mt19937 own(seed);
                for (int i = 0; i < 150; ++i) guest->write_anywhere(own, versions_size);
            });
        // VMs come and go meanwhile: middle devices are loaded and unloaded beside the running origin.
        const TestSnapshot passing("disp/root", {versions_size});
        for (int i = 0; i < 5; ++i) {
            auto vm = start_snapshot(root, passing, v1);
            vm.expect_its_content("a VM in between");
            stop_snapshot(passing, vm);
            expect_revision(root, v0, "the old version in between");
        }
    }
    origin.expect_its_content("the template");
    vm1.expect_its_content("the first VM");
    vm2.expect_its_content("the second VM");
    expect_state(root, v1, "the state from before the start");
    stop_snapshot(own1, vm1);
    stop_snapshot(own2, vm2);
    stop_origin(root, origin);
}

TEST_F(Versions, WhetherAnythingWasWrittenIsExact) {
    const auto content = pattern(versions_size, 3);
    TestVolume root("fedora/root", content);
    const TestSnapshot own("work/root", {versions_size});
    auto origin = start_origin(root, content);
    auto vm = start_snapshot(root, own, content);
    EXPECT_EQ(content_of(origin.fd()), content);
    EXPECT_EQ(stacks().use_of(root.files()).value(), CowUse::Unused);
    EXPECT_EQ(stacks().use_of_own(own.cow.get()).value(), CowUse::Unused);
    vm.write(0, pattern(block, 4));
    EXPECT_EQ(stacks().use_of(root.files()).value(), CowUse::Unused);
    EXPECT_EQ(stacks().use_of_own(own.cow.get()).value(), CowUse::Changed);
    origin.write(versions_size - block, pattern(block, 5));
    EXPECT_EQ(stacks().use_of(root.files()).value(), CowUse::Changed);
    vm.close();
    origin.close();
    ASSERT_TRUE(stacks().stop_snapshot(own.name, own.cow.get()));
    ASSERT_TRUE(stacks().stop_origin(root.name, root.image.get()));
    EXPECT_EQ(stacks().use_of(root.files()).value(), CowUse::Changed) << "from the file";
    const auto kept = check_cow_file(root.cow.get(), root.size).value();
    EXPECT_EQ(kept.exceptions, 1U);
}

TEST_F(Versions, ACowFileHoldsEveryChunkOfItsState) {
    const auto content = pattern(versions_size, 8);
    TestVolume root("fedora/root", content);
    const TestSnapshot own("work/root", {versions_size});
    auto origin = start_origin(root, content);
    auto vm = start_snapshot(root, own, content);
    origin.write(0, pattern(versions_size, 9));
    vm.write(0, pattern(versions_size, 10));
    origin.expect_its_content("the template");
    vm.expect_its_content("the VM");
    expect_state(root, content, "the state from before the start");
    EXPECT_EQ(stacks().use_of_own(own.cow.get()).value(), CowUse::Changed);
    stop_snapshot(own, vm);
    stop_origin(root, origin);
    EXPECT_EQ(check_cow_file(root.old_cow.get(), root.size).value().exceptions, versions_size / (128 << 10));
}

}  // namespace
}  // namespace varve::file
