// SPDX-License-Identifier: LGPL-2.1-or-later
// What the real one says where there is no device-mapper; where there is, tests/guest/device_mapper tells more.
#include "drivers/kernel/libdevmapper.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace varve::kernel {
namespace {

using base::Errc;

TEST(LibDeviceMapper, SaysWhyItCannotBeUsed) {
    LibDeviceMapper own;
    DeviceMapper& mapper = own;
    testing::internal::CaptureStderr();
    const auto listed = mapper.list();
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    if (::access("/sys/class/misc/device-mapper", F_OK) != 0) {
        ASSERT_FALSE(listed);
        EXPECT_EQ(listed.error().code, Errc::Unsupported);
        EXPECT_EQ(listed.error().message(), "cannot use device-mapper: the kernel has no device-mapper; load dm-mod");
        EXPECT_EQ(mapper.remove(DmName::parse("varve-test").value()).error().code, Errc::Unsupported);
    } else if (::geteuid() != 0) {
        EXPECT_EQ(listed.error().code, Errc::Denied);
    } else {
        EXPECT_TRUE(listed);
    }
}

}  // namespace
}  // namespace varve::kernel
