// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/view.h"

#include "drivers/api/private_image.h"

#include <gtest/gtest.h>

#include <fcntl.h>

namespace varve::api {
namespace {

base::RevisionId revision(std::string_view text) { return base::RevisionId::parse(text).value(); }

VolumeView with_revisions() {
    VolumeView view;
    view.revisions = {
        {revision("2020-01-01T00:00:01Z"), 4, {.id = {1}, .identity = {}, .size = {}, .allocated = {}, .modified = {}, .changed = {}}, {}},
        {revision("2020-01-01T00:00:01Z.5"),
         5,
         {.id = {2}, .identity = {}, .size = {}, .allocated = {}, .modified = {}, .changed = {}},
         {}},
        {revision("label"), 0, {.id = {3}, .identity = {}, .size = {}, .allocated = {}, .modified = {}, .changed = {}}, {}}};
    return view;
}

TEST(VolumeView, FindsARevisionByItsListedAndItsFullName) {
    const auto view = with_revisions();
    ASSERT_NE(view.find(revision("2020-01-01T00:00:01Z")), nullptr);
    EXPECT_EQ(view.find(revision("2020-01-01T00:00:01Z"))->state.id, StateId{1});
    ASSERT_NE(view.find(revision("2020-01-01T00:00:01Z.4")), nullptr) << "the full name of one listed without its number";
    EXPECT_EQ(view.find(revision("2020-01-01T00:00:01Z.4"))->state.id, StateId{1});
    EXPECT_EQ(view.find(revision("2020-01-01T00:00:01Z.5"))->state.id, StateId{2});
    EXPECT_EQ(view.find(revision("label"))->state.id, StateId{3});
}

TEST(VolumeView, FindsNothingElse) {
    const auto view = with_revisions();
    for (const auto* text : {"2020-01-01T00:00:02Z", "2020-01-01T00:00:01Z.6", "2020-01-01T00:00:02Z.4", "other"})
        EXPECT_EQ(view.find(name(text)), nullptr) << text;
    EXPECT_EQ(view.find_number(0, 0), nullptr) << "a label has no number";
}

TEST(VolumeView, AVolumesOwnKeepGoesBeforeThePools) {
    VolumeView view;
    EXPECT_EQ(view.keep(RevisionsToKeep::from(5).value()).count(), 5);
    view.config.revisions_to_keep = RevisionsToKeep::from(0).value();
    EXPECT_EQ(view.keep(RevisionsToKeep::from(5).value()).count(), 0);
}

TEST(RevisionsToKeep, MinusOneIsNoLayer) {
    EXPECT_TRUE(RevisionsToKeep::from(-1)->no_snapshot_layer());
    EXPECT_EQ(RevisionsToKeep::from(-1)->limit(), 0U);
    EXPECT_FALSE(RevisionsToKeep::from(0)->no_snapshot_layer());
    EXPECT_EQ(RevisionsToKeep::from(3)->limit(), 3U);
    EXPECT_EQ(RevisionsToKeep::standard().count(), 1);
    EXPECT_FALSE(RevisionsToKeep::from(-2));
}

TEST(Kind, SaysItsNameSourceAndWhetherItSaves) {
    const Source source{{base::VmName::parse("fedora").value(), base::VolumeName::parse("root").value()}, {}};
    EXPECT_EQ(kind_name(Volatile{}), "volatile");
    EXPECT_EQ(kind_name(Snapshot{source}), "snapshot");
    EXPECT_EQ(kind_name(Origin{}), "origin");
    EXPECT_EQ(kind_name(OriginSnapshot{source}), "origin_snapshot");
    const Kind snapshot = Snapshot{source};
    const Kind both = OriginSnapshot{source};
    const Kind origin = Origin{};
    EXPECT_EQ(*source_of(snapshot), source);
    EXPECT_EQ(*source_of(both), source);
    EXPECT_EQ(source_of(origin), nullptr);
    EXPECT_TRUE(saves_on_stop(both));
    EXPECT_TRUE(saves_on_stop(origin));
    EXPECT_FALSE(saves_on_stop(snapshot));
    EXPECT_FALSE(saves_on_stop(Volatile{}));
}

TEST(StateIds, AreNeverTheSame) {
    StateIds ids;
    const auto first = ids.next();
    EXPECT_NE(first, ids.next());
    EXPECT_NE(first, StateId{}) << "no state is the default id";
}

TEST(PrivateImage, IsDiscardedUnlessPublished) {
    int discarded = 0;
    const auto count = [&](const std::string& handle) { discarded += handle == "h" ? 1 : 100; };
    { const PrivateImage image(base::UniqueFd(), "h", count); }
    EXPECT_EQ(discarded, 1);
    {
        PrivateImage image(base::UniqueFd(), "h", count);
        image.published();
    }
    EXPECT_EQ(discarded, 1);
    {
        PrivateImage image(base::UniqueFd(), "h", count);
        const PrivateImage moved(std::move(image));
    }
    EXPECT_EQ(discarded, 2) << "once, by the one it was moved to";
}

}  // namespace
}  // namespace varve::api
