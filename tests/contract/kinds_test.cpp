// SPDX-License-Identifier: LGPL-2.1-or-later
// Creating volumes of each kind, and configuring them.
#include "tests/contract/contract_test.h"

#include <limits>

namespace varve::contract {
namespace {

using base::Errc;

TEST_P(ContractTest, CreatesAnOriginWithAZeroedState) {
    create(root_, origin(mebibytes(4)));
    EXPECT_EQ(committed(root_).size, mebibytes(4));
    EXPECT_LT(committed(root_).allocated, mebibytes(1)) << "the zeroes must not be stored";
    EXPECT_EQ(read(root_), "");
    EXPECT_TRUE(view(root_).revisions.empty());
    EXPECT_FALSE(view(root_).session);
    EXPECT_TRUE(std::holds_alternative<api::Origin>(view(root_).config.kind));
}

TEST_P(ContractTest, AnEmptyOriginIsLegalButDoesNotStart) {
    create(root_, origin({}));
    EXPECT_EQ(committed(root_).size, base::Bytes{});
    refuse(root_, api::Start{}, Errc::InvalidArgument);
}

TEST_P(ContractTest, CreatesAVolatileVolumeWithoutAState) {
    create(app_, volatile_volume(mebibytes(3)));
    EXPECT_FALSE(view(app_).committed);
    EXPECT_FALSE(view(app_).session);
    EXPECT_EQ(view(app_).config, volatile_volume(mebibytes(3)));
}

TEST_P(ContractTest, CreatesASnapshotEvenOfAMissingSource) {
    create(app_, snapshot_of(root_));
    EXPECT_FALSE(view(app_).committed);
    EXPECT_EQ(view(app_).config, snapshot_of(root_));
}

TEST_P(ContractTest, CreatesASnapshotOfAFixedRevision) {
    const auto fixed = snapshot_of(root_, revision("before-upgrade"));
    create(app_, fixed);
    EXPECT_EQ(view(app_).config, fixed);
}

TEST_P(ContractTest, CreatesAnOriginSnapshotExactlyWhenItCan) {
    create(root_, origin());
    ASSERT_TRUE(succeeded(pool_->create_vm(app_.vm, {})));
    if (pool_->capabilities().origin_snapshot) {
        run(app_, api::Create{origin_snapshot_of(root_)});
        EXPECT_FALSE(view(app_).committed);
    } else {
        refuse(app_, api::Create{origin_snapshot_of(root_)}, Errc::Unsupported);
    }
}

TEST_P(ContractTest, RefusesToCreateAVolumeThatExists) {
    create(root_, origin());
    publish(root_, "kept", at(1));
    refuse(root_, api::Create{origin()}, Errc::Exists);
    refuse(root_, api::Create{volatile_volume()}, Errc::Exists);
    EXPECT_EQ(read(root_), "kept");
}

TEST_P(ContractTest, RefusesToCreateAVolumeOfWhichOnlyRevisionsAreLeft) {
    create(root_, origin());
    publish(root_, "one", at(1));
    run(root_, api::RemoveCommitted{});
    refuse(root_, api::Create{origin()}, Errc::Exists);
}

TEST_P(ContractTest, RefusesSizesThatAreNotWholeSectors) {
    ASSERT_TRUE(succeeded(pool_->create_vm(root_.vm, {})));
    for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{511}, std::uint64_t{513}, (std::uint64_t{1} << 63) - 1,
                                     std::numeric_limits<std::uint64_t>::max()}) {
        refuse(root_, api::Create{origin({size})}, Errc::InvalidArgument);
        refuse(root_, api::Create{volatile_volume({size})}, Errc::InvalidArgument);
    }
}

TEST_P(ContractTest, RefusesSizesBeyondTheLargestFile) {
    ASSERT_TRUE(succeeded(pool_->create_vm(root_.vm, {})));
    refuse(root_, api::Create{origin({std::uint64_t{1} << 63})}, Errc::TooLarge);
    refuse(root_, api::Create{volatile_volume({std::uint64_t{1} << 63})}, Errc::TooLarge);
}

// What the file system below cannot hold is TooLarge as well; nothing may be left of the attempt.
TEST_P(ContractTest, TheLargestVolumeIsMadeOrRefusedWhole) {
    ASSERT_TRUE(succeeded(pool_->create_vm(root_.vm, {})));
    const auto made = execute(root_, api::Create{origin(base::largest_volume)});
    if (made) {
        EXPECT_EQ(committed(root_).size, base::largest_volume);
        run(root_, api::RemoveCommitted{});
    } else {
        EXPECT_TRUE(failed(made, Errc::TooLarge));
    }
    const auto left = pool_->load_volume(root_, nullptr);
    ASSERT_TRUE(succeeded(left));
    EXPECT_FALSE(*left);
    EXPECT_TRUE(succeeded(pool_->remove_vm(root_.vm)));
}

TEST_P(ContractTest, OneSectorIsAVolume) {
    create(root_, origin({512}));
    EXPECT_EQ(committed(root_).size, base::Bytes{512});
    start(root_);
    EXPECT_EQ(view(root_).session->size, pool_->capabilities().size_unit);
}

TEST_P(ContractTest, RefusesToCreateInAVmThatHasNoPlace) {
    refuse(root_, api::Create{origin()}, Errc::NotFound);
    EXPECT_TRUE(failed(pool_->load_vm(root_.vm), Errc::NotFound));
}

TEST_P(ContractTest, OnlyVolatileVolumesAreEphemeral) {
    ASSERT_TRUE(succeeded(pool_->create_vm(root_.vm, {})));
    auto config = origin();
    config.ephemeral = true;
    refuse(root_, api::Create{config}, Errc::InvalidArgument);
    config = volatile_volume();
    config.ephemeral = true;
    if (pool_->capabilities().ephemeral) {
        run(root_, api::Create{config});
    } else {
        refuse(root_, api::Create{config}, Errc::Unsupported);
    }
}

TEST_P(ContractTest, OnlyOriginsDoWithoutASnapshotLayer) {
    ASSERT_TRUE(pool_->capabilities().no_snapshot_layer);
    ASSERT_TRUE(succeeded(pool_->create_vm(app_.vm, {})));
    auto config = snapshot_of(root_);
    config.revisions_to_keep = keep(-1);
    refuse(app_, api::Create{config}, Errc::InvalidArgument);
    config = volatile_volume();
    config.revisions_to_keep = keep(-1);
    refuse(app_, api::Create{config}, Errc::InvalidArgument);
    config = origin();
    config.revisions_to_keep = keep(-1);
    run(app_, api::Create{config});
}

TEST_P(ContractTest, KeepingFewerThanMinusOneIsRefused) {
    EXPECT_TRUE(failed(api::RevisionsToKeep::from(-2), Errc::InvalidArgument));
    EXPECT_TRUE(failed(api::RevisionsToKeep::from(std::numeric_limits<long long>::min()), Errc::InvalidArgument));
}

TEST_P(ContractTest, ConfiguresWhatAUserDecides) {
    create(root_, origin());
    auto config = view(root_).config;
    config.rw = false;
    config.revisions_to_keep = keep(7);
    run(root_, api::Configure{config});
    EXPECT_FALSE(view(root_).config.rw);
    EXPECT_EQ(view(root_).config.revisions_to_keep, keep(7));
    config.revisions_to_keep.reset();
    run(root_, api::Configure{config});
    EXPECT_FALSE(view(root_).config.revisions_to_keep) << "back to the pool's default";
}

TEST_P(ContractTest, ConfiguresASnapshotsSource) {
    create(app_, snapshot_of(root_));
    auto config = view(app_).config;
    config.kind = api::Snapshot{{path("debian", "root"), revision("stable")}};
    run(app_, api::Configure{config});
    EXPECT_EQ(view(app_).config, config);
}

TEST_P(ContractTest, AKindCannotBeChanged) {
    create(root_, origin());
    auto config = view(root_).config;
    config.kind = api::Volatile{};
    refuse(root_, api::Configure{config}, Errc::InvalidArgument);
}

TEST_P(ContractTest, ConfiguringRefusesIllegalSizes) {
    create(app_, volatile_volume());
    auto config = view(app_).config;
    config.size = {511};
    refuse(app_, api::Configure{config}, Errc::InvalidArgument);
}

TEST_P(ContractTest, EveryCommandOnAMissingVolumeIsNotFound) {
    ASSERT_TRUE(succeeded(pool_->create_vm(root_.vm, {})));
    const std::vector<api::Command> commands{api::RemoveCommitted{},
                                             api::RemoveRevision{revision("label")},
                                             api::Start{},
                                             api::Stop{},
                                             api::Revert{revision("label")},
                                             api::Resize{mebibytes(2)},
                                             api::TakeSnapshot{label("label")},
                                             api::RenameRevision{revision_at(1), label("label")},
                                             api::SetTime{{}, at(1)},
                                             api::SetTime{revision("label"), at(1)},
                                             api::Configure{origin()},
                                             api::Prune{}};
    for (const auto& command : commands) refuse(root_, command, Errc::NotFound);
}

}  // namespace
}  // namespace varve::contract
