// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose a session's image is once it was given away, and that nothing is left of it in what becomes a state
// (docs/decisions/0020-devices-belong-to-the-owner.md). Needs root, who may give files away.
#include "tests/contract/contract_test.h"

#include <sys/stat.h>
#include <unistd.h>

namespace varve::contract {
namespace {

constexpr uid_t ann = 4711;
constexpr uid_t root = 0;

struct stat look_at(const base::Result<std::filesystem::path>& file) {
    struct stat status {};
    EXPECT_TRUE(file && ::stat(file->c_str(), &status) == 0) << "there is nothing to look at";
    return status;
}

// As the engine does for the VM's owner, and libvirt for the account of its QEMU.
void give_away(const base::Result<std::filesystem::path>& device) {
    ASSERT_TRUE(succeeded(device));
    ASSERT_EQ(::chown(device->c_str(), ann, ann), 0);
    ASSERT_EQ(::chmod(device->c_str(), 0666), 0);
}

testing::AssertionResult is_roots_alone(const base::Result<base::UniqueFd>& state) {
    struct stat status {};
    if (!state || ::fstat(state->get(), &status) != 0) return testing::AssertionFailure() << "the state cannot be opened";
    if (!S_ISREG(status.st_mode)) return testing::AssertionSuccess();  // a device: its node was made for this reader
    if (status.st_uid == root && status.st_gid == root && (status.st_mode & 07777U) == 0600U) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "it belongs to " << status.st_uid << ":" << status.st_gid << ", with the permissions " << std::oct
                                       << (status.st_mode & 07777U);
}

TEST_P(FileContractTest, AStateIsRootsAlone) {
    create(root_, origin());
    start(root_);
    give_away(pool_->device(root_, view(root_)));
    write_device(root_, "hers");
    stop(root_);
    ASSERT_EQ(read(root_), "hers");
    EXPECT_TRUE(is_roots_alone(open_state(root_)));
}

TEST_P(FileContractTest, WhatADirtySessionBecomesIsRootsAlone) {
    create(root_, origin());
    start(root_);
    give_away(pool_->device(root_, view(root_)));
    write_device(root_, "hers");
    reboot();
    stop(root_);
    ASSERT_EQ(read(root_), "hers");
    EXPECT_TRUE(is_roots_alone(open_state(root_)));
}

TEST_P(FileContractTest, AnImageThatTheGuestWritesItselfIsRootsAloneAfterwards) {
    auto config = origin();
    config.revisions_to_keep = keep(-1);
    create(root_, config);
    start(root_);
    give_away(pool_->device(root_, view(root_)));
    write_device(root_, "hers");
    reboot();
    stop(root_);
    ASSERT_EQ(read(root_), "hers");
    EXPECT_TRUE(is_roots_alone(open_state(root_)));
}

TEST_P(FileContractTest, ASessionWithoutWritesLeavesItsOwnerNothing) {
    create(root_, origin());
    publish(root_, "first", at(1));
    for (int session = 0; session < 2; ++session) {
        start(root_);
        EXPECT_EQ(look_at(pool_->device(root_, view(root_))).st_uid, root) << "it may be the image that the last session left";
        give_away(pool_->device(root_, view(root_)));
        reboot();
        stop(root_);
        EXPECT_TRUE(is_roots_alone(open_state(root_)));
    }
}

TEST_P(FileContractTest, AContinuedSessionIsNotItsLastOwners) {
    create(root_, origin());
    start(root_);
    give_away(pool_->device(root_, view(root_)));
    reboot();
    start(root_);
    EXPECT_EQ(look_at(pool_->device(root_, view(root_))).st_uid, root);
    stop(root_);
}

}  // namespace
}  // namespace varve::contract
