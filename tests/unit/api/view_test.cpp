// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/view.h"

#include "drivers/api/private_image.h"

#include <gtest/gtest.h>

#include <fcntl.h>

namespace varve::api {
namespace {

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
