// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose a session's device is below the mount. Needs root, who may give files away.
#include "tests/unit/engine/world.h"

#include <sys/stat.h>

namespace varve::engine_test {
namespace {

constexpr uid_t ann = 4711;
constexpr uid_t bob = 4712;
constexpr uid_t root = 0;

class DeviceOwner : public World {
protected:
    void SetUp() override { ASSERT_TRUE(succeeded(volumes_.set_ownership(volume_.vm, {ann, ann, 0755}))); }

    std::filesystem::path started() {
        const auto begun = volumes_.start(volume_);
        EXPECT_TRUE(succeeded(begun));
        return begun ? begun->device : std::filesystem::path();
    }
    static struct stat look_at(const std::filesystem::path& file) {
        struct stat status {};
        EXPECT_EQ(::stat(file.c_str(), &status), 0) << file;
        return status;
    }

    const VolumeRef volume_ = origin("work", "root");
};

TEST_F(DeviceOwner, IsTheVmsOwnerWhileTheSessionLasts) {
    const auto device = started();
    const auto during = look_at(device);
    EXPECT_EQ(during.st_uid, ann);
    EXPECT_EQ(during.st_gid, root) << "only the owner gets it, not his group";
    write_device(volume_, "hers");
    ASSERT_TRUE(succeeded(volumes_.stop(volume_, api::Stop::Outcome::Commit)));
    ASSERT_EQ(read(volume_), "hers");
    EXPECT_EQ(look_at(device).st_uid, root) << "what is a state now";
}

TEST_F(DeviceOwner, LeavesNoPermissionsBehind) {
    const auto device = started();
    write_device(volume_, "hers");
    ASSERT_EQ(::chmod(device.c_str(), 0666), 0);
    ASSERT_EQ(::chown(device.c_str(), ann, bob), 0);
    ASSERT_TRUE(succeeded(volumes_.stop(volume_, api::Stop::Outcome::Commit)));
    const auto after = look_at(device);
    EXPECT_EQ(after.st_mode & 07777U, 0600U);
    EXPECT_EQ(after.st_gid, root);
}

TEST_F(DeviceOwner, WithoutTheRightToWriteGetsNothing) {
    ASSERT_TRUE(succeeded(volumes_.set_ownership(volume_.vm, {ann, ann, 0555})));
    EXPECT_EQ(look_at(started()).st_uid, root);
}

TEST_F(DeviceOwner, ChangesWithTheVmsWhileItRuns) {
    const auto device = started();
    ASSERT_TRUE(succeeded(volumes_.set_ownership(volume_.vm, {bob, bob, 0700})));
    EXPECT_EQ(look_at(device).st_uid, bob);
    ASSERT_TRUE(succeeded(volumes_.set_ownership(volume_.vm, {root, root, 0755})));
    EXPECT_EQ(look_at(device).st_uid, root);
}

TEST_F(DeviceOwner, DoesNotTakeItFromAHypervisorsAccount) {
    const auto device = started();
    ASSERT_EQ(::chown(device.c_str(), bob, bob), 0);  // as libvirt does while a domain of the system runs
    ASSERT_TRUE(succeeded(volumes_.set_ownership(volume_.vm, {ann, ann, 0700})));
    EXPECT_EQ(look_at(device).st_uid, bob);
    write_device(volume_, "theirs");
    ASSERT_TRUE(succeeded(volumes_.stop(volume_, api::Stop::Outcome::Commit)));
    EXPECT_EQ(look_at(device).st_uid, root) << "what is a state now";
}

TEST_F(DeviceOwner, HasADeviceAgainAfterACrash) {
    ASSERT_FALSE(started().empty());
    reboot();
    const VolumeRef again{vm("work"), volume_name("root")};
    const auto begun = volumes_.start(again);
    ASSERT_TRUE(succeeded(begun));
    EXPECT_EQ(look_at(begun->device).st_uid, ann);
}

}  // namespace
}  // namespace varve::engine_test
