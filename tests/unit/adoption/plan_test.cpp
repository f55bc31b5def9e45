// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/adoption/plan.h"

#include <gtest/gtest.h>

namespace varve::adoption {
namespace {

using qubes_xml::Kind;
using qubes_xml::Volume;

base::VolumePath path(std::string_view vm, std::string_view volume) { return {*base::VmName::parse(vm), *base::VolumeName::parse(volume)}; }

Volume origin() { return {"work", path("work", "private"), Kind::Origin, {}, {1024}, 2}; }
Volume snapshot() { return {"work", path("work", "root"), Kind::Snapshot, path("fedora", "root"), {}, 0}; }
Volume scratch() { return {"work", path("work", "volatile"), Kind::Volatile, {}, {4096}, 0}; }

PresentVolume present_origin() { return {"origin", "", "halted", 1024, 2, true, true, false}; }
PresentVolume present_snapshot() { return {"snapshot", "../fedora/root.img", "halted", 0, 0, true, true, false}; }
PresentVolume present_scratch() { return {"volatile", "", "halted", 4096, 0, true, true, false}; }

std::string text_of(const Step& step) {
    std::string text(name_of(step.action));
    for (const auto& change : step.changes) ((text += " ") += change.file).append("=").append(change.value);
    if (step.makes_vm) text += " +vm";
    if (!step.note.empty()) text += ": " + step.note;
    return text;
}

std::string planned(const Volume& wanted, const PresentVolume& present) {
    return text_of(plan({wanted}, {{wanted.volume.vm}, {{wanted.volume, present}}}).at(0));
}

TEST(AdoptionPlan, WhatIsSoAlreadyStays) {
    EXPECT_EQ(planned(origin(), present_origin()), "none");
    EXPECT_EQ(planned(snapshot(), present_snapshot()), "none");
    EXPECT_EQ(planned(scratch(), present_scratch()), "none");
}

TEST(AdoptionPlan, WhatHasNoImageIsMade) {
    const PoolContents contents{{path("work", "root").vm}, {}};
    EXPECT_EQ(text_of(plan({snapshot()}, contents).at(0)), "create");
    EXPECT_EQ(text_of(plan({scratch()}, contents).at(0)), "create");
    EXPECT_EQ(text_of(plan({origin()}, contents).at(0)), "skip: the pool has no image of it");
    auto both = snapshot();
    both.kind = Kind::OriginSnapshot;
    EXPECT_EQ(text_of(plan({both}, contents).at(0)), "create");
}

TEST(AdoptionPlan, AVmThatKeepsNothingNeedsNoPlaceYet) {
    EXPECT_EQ(text_of(plan({snapshot(), scratch()}, {}).at(1)), "create +vm");
    for (const auto& step : plan({origin(), snapshot(), scratch()}, {})) EXPECT_EQ(text_of(step), "skip: the pool has no VM work");
}

TEST(AdoptionPlan, OnlyWhatDiffersIsChanged) {
    auto present = present_origin();
    present.own_revisions_to_keep = false;
    EXPECT_EQ(planned(origin(), present), "change revisions_to_keep=2") << "the pool's may become another";
    present = present_origin();
    present.revisions_to_keep = 1;
    present.rw = false;
    EXPECT_EQ(planned(origin(), present), "change rw=1 revisions_to_keep=2");
    auto other = present_snapshot();
    other.source = "../debian/root.img@kept";
    EXPECT_EQ(planned(snapshot(), other), "change source=../fedora/root.img");
    auto small = present_scratch();
    small.size = 512;
    small.ephemeral = true;
    EXPECT_EQ(planned(scratch(), small), "change ephemeral=0 size=4096");
    small.size = 8192;
    small.ephemeral = false;
    EXPECT_EQ(planned(scratch(), small), "none") << "nothing shrinks";
    auto open = origin();
    open.revisions_to_keep.reset();
    EXPECT_EQ(planned(open, present_origin()), "none");
}

TEST(AdoptionPlan, TheImageCountsWhenSizesDiffer) {
    auto present = present_origin();
    present.size = 2048;
    EXPECT_EQ(planned(origin(), present), "none: its image has 2048 bytes, and qubes.xml says 1024");
    present.state = "removed";
    EXPECT_EQ(planned(origin(), present), "none: only revisions of it are left");
}

TEST(AdoptionPlan, AnotherKindIsAConflict) {
    const std::string why = "it is origin and dirty here, and snapshot in qubes.xml";
    auto left = present_origin();
    left.state = "dirty";
    const std::string what_to_do = ": if that is what a VM left that was not shut down, 'varve stop' and 'varve rm -r' remove it";
    EXPECT_EQ(planned(snapshot(), left), "conflict: " + why + what_to_do);
    left.state = "halted";
    EXPECT_EQ(planned(scratch(), left), "conflict: it is origin and halted here, and volatile in qubes.xml" + what_to_do);
    for (const auto* busy : {"started", "writing", "removed", "degraded"}) {
        left.state = busy;
        EXPECT_EQ(planned(snapshot(), left), "conflict: it is origin and " + left.state + " here, and snapshot in qubes.xml");
    }
    EXPECT_EQ(planned(origin(), present_snapshot()), "conflict: it is snapshot and halted here, and origin in qubes.xml");
    auto both = snapshot();
    both.kind = Kind::OriginSnapshot;
    EXPECT_EQ(planned(both, present_origin()), "conflict: it is origin and halted here, and origin_snapshot in qubes.xml")
        << "what it keeps is a state";
}

TEST(AdoptionPlan, WhatNeedsAHaltedVolumeWaits) {
    auto present = present_origin();
    present.state = "started";
    present.revisions_to_keep = 7;
    EXPECT_EQ(planned(origin(), present), "change revisions_to_keep=2");
    auto without_layer = origin();
    without_layer.revisions_to_keep = -1;
    EXPECT_EQ(planned(without_layer, present), "conflict: it is started: revisions_to_keep changes while it is halted");
    auto other = present_snapshot();
    other.state = "dirty";
    other.source = "../debian/root.img";
    EXPECT_EQ(planned(snapshot(), other), "conflict: it is dirty: source changes while it is halted");
}

}  // namespace
}  // namespace varve::adoption
