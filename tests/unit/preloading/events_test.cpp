// SPDX-License-Identifier: LGPL-2.1-or-later
// Each event of the table (docs/preload-queue.md) reaches the queue from where it happens, and its actions are carried out.
#include "tests/unit/preloading/world.h"

namespace varve::preloading::tests {
namespace {

using PreloadingEvents = World;
using Names = std::vector<std::string>;

TEST_F(PreloadingEvents, NothingIsMadeBeforeBegin) {
    set("dvm", "preload-dispvm-max", "2");
    EXPECT_EQ(listed(), "");
    EXPECT_FALSE(preloading->status().begun);
    preloading->begin();
    loop->run();
    EXPECT_EQ(listed(), "disp1 disp2");
    EXPECT_EQ(state("disp1"), vm::VmState::Paused);
    EXPECT_TRUE(preloading->holds(vm("disp1")));
    EXPECT_TRUE(preloading->status().begun);
}

TEST_F(PreloadingEvents, MaxChanged) {
    fill("1");
    set("dvm", "preload-dispvm-max", "3");
    EXPECT_EQ(listed(), "disp1 disp2 disp3");
    set("dvm", "preload-dispvm-max", "1");
    EXPECT_EQ(listed(), "disp1");
    EXPECT_FALSE(exists("disp3"));
}

TEST_F(PreloadingEvents, MaxDeleted) {
    fill("2");
    set("dvm", "preload-dispvm-max", "");
    EXPECT_EQ(listed(), "");
    EXPECT_FALSE(exists("disp1"));
    EXPECT_FALSE(preloading->holds(vm("disp1")));
}

TEST_F(PreloadingEvents, TheSystemsMaxIsTheDefaultDispvms) {
    system.default_dispvm = vm("other");
    system.max = 1;
    restart();
    fill("1");
    EXPECT_EQ(listed("other").substr(0, 4), "disp");
    EXPECT_EQ(status("other").max, 1U);
    EXPECT_EQ(listed("dvm").substr(0, 4), "disp");
}

TEST_F(PreloadingEvents, TheSystemsSettingsMayChange) {
    fill("1");
    preloading->set_system({vm("other"), 2, milliseconds(0), {}});
    loop->run();
    EXPECT_EQ(status("other").preloads.size(), 2U);
    EXPECT_EQ(status("dvm").preloads.size(), 1U);
    // Both are looked at again: dvm has the system's, other its own, which is none.
    preloading->set_system({vm("dvm"), 3, milliseconds(0), {}});
    loop->run();
    EXPECT_EQ(status("other").preloads.size(), 0U);
    EXPECT_EQ(status("dvm").preloads.size(), 3U);
    preloading->set_system({});
    loop->run();
    EXPECT_EQ(status("dvm").preloads.size(), 1U);
}

TEST_F(PreloadingEvents, ATemplateRetiresAndComesBack) {
    fill("2");
    bool gone = false;
    preloading->retire(vm("dvm"), [&] { gone = true; });
    loop->run();
    EXPECT_TRUE(gone);
    EXPECT_FALSE(exists("disp1"));
    EXPECT_EQ(store->all().size(), 3U);
    ASSERT_TRUE(store->set(vm("dvm"), {{"template_for_dispvms", ""}, {"preload-dispvm-max", ""}}));
    preloading->unretire(vm("dvm"));
    loop->run();
    EXPECT_EQ(listed(), "");
    ASSERT_TRUE(store->set(vm("dvm"), {{"template_for_dispvms", "true"}, {"preload-dispvm-max", "1"}}));
    loop->run();
    EXPECT_EQ(listed(), "disp3");
}

TEST_F(PreloadingEvents, ARetirementWaitsForWhatIsBeingMade) {
    set("dvm", "preload-dispvm-max", "1");
    loop->hold(Work::Long);
    preloading->begin();
    loop->run();
    EXPECT_EQ(listed(), "disp1+");
    bool gone = false;
    preloading->retire(vm("dvm"), [&] { gone = true; });
    loop->run();
    EXPECT_FALSE(gone);
    loop->release();
    loop->run();
    EXPECT_TRUE(gone);
    EXPECT_FALSE(exists("disp1"));
}

TEST_F(PreloadingEvents, ACommitReplacesByContent) {
    fill("2");
    const base::VolumeId root{base::PoolName::parse("p").value(), vm("dvm"), base::VolumeName::parse("root").value()};
    preloading->volume_changed(root);
    loop->run();
    EXPECT_EQ(listed(), "disp1 disp2") << "a commit of the same content";
    makers->content = "two";
    preloading->volume_changed(root);
    loop->run();
    EXPECT_EQ(listed(), "disp1! disp2!");
    EXPECT_EQ(handed(), "cold") << "an outdated one is never handed out";
    loop->pass(seconds(4));
    EXPECT_EQ(listed(), "disp3 disp4");
    EXPECT_FALSE(exists("disp1"));
}

TEST_F(PreloadingEvents, ACommitWhileNoneIsWantedCounts) {
    fill("2");
    set("dvm", "preload-dispvm-max", "0");
    makers->content = "two";
    const base::VolumeId root{base::PoolName::parse("p").value(), vm("dvm"), base::VolumeName::parse("root").value()};
    preloading->volume_changed(root);
    loop->run();
    set("dvm", "preload-dispvm-max", "2");
    EXPECT_EQ(listed(), "disp3 disp4");
    for (const auto& record : records()) EXPECT_EQ(record.content, "two");
    makers->content = "one";
    preloading->volume_changed(root);
    loop->run();
    EXPECT_EQ(listed(), "disp3! disp4!");
}

TEST_F(PreloadingEvents, ACommitDuringTheFirstLookCounts) {
    const base::VolumeId root{base::PoolName::parse("p").value(), vm("dvm"), base::VolumeName::parse("root").value()};
    makers->after_look = [&] {
        makers->content = "two";
        preloading->volume_changed(root);
    };
    fill("1");
    EXPECT_EQ(records().front().content, "two");
}

TEST_F(PreloadingEvents, OtherVolumesAreNotLookedAt) {
    fill("1");
    const auto looks = makers->looks;
    preloading->volume_changed(base::VolumeId{base::PoolName::parse("p").value(), vm("disp1"), base::VolumeName::parse("root").value()});
    loop->run();
    EXPECT_EQ(makers->looks, looks);
    preloading->volume_changed(std::nullopt);
    loop->run();
    EXPECT_GT(makers->looks, looks);
}

TEST_F(PreloadingEvents, WithoutItsContentNoneIsBegun) {
    makers->look_fails = true;
    fill("1");
    EXPECT_EQ(listed(), "");
    EXPECT_EQ(status().trouble, "what its disposables start from cannot be found out: the mount is gone");
    makers->look_fails = false;
    preloading->volume_changed(std::nullopt);
    loop->run();
    EXPECT_EQ(listed(), "disp1");
    EXPECT_EQ(status().trouble, "");
}

TEST_F(PreloadingEvents, WhereNoneIsWantedItsContentIsNoTrouble) {
    makers->look_fails = true;
    fill("1");
    set("dvm", "preload-dispvm-max", "0");
    EXPECT_EQ(status().trouble, "");
}

TEST_F(PreloadingEvents, AnInheritedPropertyReplacesAfterAWhile) {
    fill("1");
    set("dvm", "memory", "2G");
    EXPECT_EQ(listed(), "disp1!");
    loop->pass(seconds(30));
    EXPECT_EQ(listed(), "disp2");
    EXPECT_EQ(store->find(vm("disp2")).value().memory.initial.count, std::uint64_t{2} << 30);
}

TEST_F(PreloadingEvents, WhatIsNotInheritedDoesNotCount) {
    fill("1");
    set("dvm", "preload-dispvm-delay", "9s");
    ASSERT_TRUE(store->set(vm("fedora"), {{"memory", "2G"}}));
    loop->pass(seconds(60));
    EXPECT_EQ(listed(), "disp1");
}

TEST_F(PreloadingEvents, RefreshReplacesAtOnce) {
    fill("2");
    preloading->refresh(vm("dvm"));
    loop->run();
    EXPECT_EQ(listed(), "disp3 disp4");
    EXPECT_FALSE(exists("disp1"));
}

TEST_F(PreloadingEvents, OneThatEndsByItselfIsReplacedLater) {
    fill("1");
    machines->become(vm("disp1"), vm::VmState::Halted);
    loop->run();
    EXPECT_EQ(listed(), "");
    EXPECT_EQ(status().trouble, "'disp1' ended by itself");
    EXPECT_FALSE(exists("disp1"));
    loop->pass(seconds(10));
    EXPECT_EQ(listed(), "disp2");
}

TEST_F(PreloadingEvents, OneThatSomebodyResumesIsUsed) {
    fill("1");
    ASSERT_TRUE(machines->resume(vm("disp1")));
    loop->run();
    EXPECT_EQ(listed(), "");
    EXPECT_FALSE(preloading->holds(vm("disp1")));
    EXPECT_TRUE(exists("disp1"));
    EXPECT_EQ(handed(), "cold");
    loop->pass(seconds(3));
    EXPECT_EQ(listed(), "disp2");
    restart();
    EXPECT_TRUE(exists("disp1")) << "it is nobody's to remove";
    EXPECT_EQ(listed(), "disp2");
}

TEST_F(PreloadingEvents, AlsoWhenItIsPausedAgainBeforeAnybodyLooks) {
    fill("1");
    ASSERT_TRUE(machines->resume(vm("disp1")));
    ASSERT_TRUE(machines->pause(vm("disp1")));
    loop->run();
    EXPECT_EQ(handed(), "cold");
    EXPECT_FALSE(preloading->holds(vm("disp1")));
}

TEST_F(PreloadingEvents, AndWhileItSettles) {
    machines->after_pause = [this] {
        machines->after_pause = {};
        EXPECT_TRUE(machines->resume(vm("disp1")));
    };
    fill("1");
    EXPECT_EQ(listed(), "");
    EXPECT_TRUE(exists("disp1"));
    EXPECT_FALSE(preloading->holds(vm("disp1")));
    EXPECT_EQ(handed(), "cold");
}

TEST_F(PreloadingEvents, WithoutMemoryNoneIsMade) {
    machines->free = {std::uint64_t{1} << 20};
    fill("1");
    EXPECT_EQ(listed(), "");
    EXPECT_FALSE(exists("disp1"));
    EXPECT_TRUE(preloading->status().wants_memory);
    EXPECT_EQ(status().trouble, "") << "no failure";
    machines->free = {std::uint64_t{8} << 30};
    machines->become(vm("other"), vm::VmState::Halted);  // some VM ends
    loop->run();
    EXPECT_EQ(listed(), "disp2");
    EXPECT_FALSE(preloading->status().wants_memory);
}

TEST_F(PreloadingEvents, MemoryThatOthersFreeIsFoundInAWhile) {
    machines->free = {std::uint64_t{1} << 20};
    fill("1");
    loop->pass(seconds(29));
    machines->free = {std::uint64_t{8} << 30};
    EXPECT_EQ(listed(), "");
    loop->pass(seconds(2));
    EXPECT_EQ(listed().substr(0, 4), "disp");
}

TEST_F(PreloadingEvents, TheThresholdStaysFree) {
    system.threshold = {std::uint64_t{4} << 30};
    restart();
    machines->free = {(std::uint64_t{5} << 30) - 1};
    fill("1");
    EXPECT_EQ(listed(), "");
    machines->free = {std::uint64_t{5} << 30};
    loop->pass(seconds(31));
    EXPECT_EQ(listed().substr(0, 4), "disp");
}

TEST_F(PreloadingEvents, WhatStartsWerePromisedIsNotFree) {
    machines->free = {(std::uint64_t{3} << 30) - 1};
    machines->promised[vm("other")] = {std::uint64_t{1} << 30};
    fill("2");
    EXPECT_EQ(listed(), "disp1") << "there is room for one";
    machines->promised.clear();
    loop->pass(seconds(31));
    EXPECT_EQ(listed().substr(0, 10), "disp1 disp");
}

TEST_F(PreloadingEvents, WhatIsBeingMadeIsCountedOnce) {
    machines->free = {std::uint64_t{2} << 30};
    machines->promised[vm("disp1")] = {std::uint64_t{1} << 30};
    fill("2");
    EXPECT_EQ(listed(), "disp1 disp2");
}

TEST_F(PreloadingEvents, HostSuspendAndResume) {
    fill("2");
    bool gone = false;
    preloading->suspend([&] { gone = true; });
    loop->run();
    EXPECT_TRUE(gone);
    EXPECT_EQ(listed(), "");
    EXPECT_EQ(store->all().size(), 3U);
    EXPECT_TRUE(preloading->status().suspended);
    loop->pass(seconds(60));
    EXPECT_EQ(listed(), "");
    preloading->resume();
    loop->run();
    EXPECT_EQ(listed(), "disp3 disp4");
}

TEST_F(PreloadingEvents, AnEndAnswersWhoWaitsForThat) {
    fill("1");
    int answered = 0;
    const auto done = [&] { ++answered; };
    preloading->suspend(done);
    preloading->retire(vm("dvm"), done);
    EXPECT_EQ(answered, 0);
    preloading->stop();
    EXPECT_EQ(answered, 2) << "though the loop runs no more";
    preloading->suspend(done);
    preloading->retire(vm("dvm"), done);
    EXPECT_EQ(answered, 4);
    loop->run();
    EXPECT_EQ(answered, 4);
}

TEST_F(PreloadingEvents, WhatHappensBeforeASuspendDoesNotAnswerIt) {
    bool suspended = false;
    preloading->cold_start_ended(0);
    preloading->suspend([&] { suspended = preloading->status().suspended; });
    loop->run();
    EXPECT_TRUE(suspended);
}

TEST_F(PreloadingEvents, ATemplateIsRemovedWithItsPreloads) {
    fill("2");
    bool gone = false;
    preloading->retire(vm("dvm"), [&] { gone = true; });
    loop->run();
    ASSERT_TRUE(gone);
    EXPECT_TRUE(store->remove(vm("dvm")));
    preloading->unretire(vm("dvm"));
    loop->run();
    EXPECT_EQ(listed(), "");
}

TEST_F(PreloadingEvents, ARenamedTemplateKeepsItsQueue) {
    fill("1");
    ASSERT_TRUE(store->rename(vm("dvm"), vm("web")));
    loop->run();
    EXPECT_EQ(listed("dvm"), "");
    EXPECT_FALSE(exists("disp1"));
    EXPECT_EQ(listed("web"), "disp2");
}

TEST_F(PreloadingEvents, RemovalsWaitUntilNobodyAsksAndGoTogether) {
    fill("4");
    EXPECT_EQ(handed(), "disp1");
    set("dvm", "preload-dispvm-max", "0");
    EXPECT_TRUE(exists("disp2"));
    loop->pass(seconds(2));
    EXPECT_EQ(makers->batches.back(), (Names{"disp4", "disp3", "disp2"}));
    EXPECT_TRUE(exists("disp1"));
}

}  // namespace
}  // namespace varve::preloading::tests
