// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/mount/data/data_test.h"

#include <fstream>

namespace varve::test_support {

void DataTest::SetUp() {
    OneVolumeTest::SetUp();
    ASSERT_EQ(make_state(image(), content_, first_time), ok);
}

std::uint64_t DataTest::daemon_bytes(const std::string& counter) const {
    std::ifstream file("/proc/" + std::to_string(daemon().pid()) + "/io");
    std::string name;
    std::uint64_t value = 0;
    while (file >> name >> value)
        if (name == counter + ":") return value;
    ADD_FAILURE() << "no " << counter << " of varvefs";
    return 0;
}

std::size_t DataTest::daemon_descriptors() const { return list_directory("/proc/" + std::to_string(daemon().pid()) + "/fd").size(); }

void DataTest::drop_caches() const { ASSERT_EQ(write_file("/proc/sys/vm/drop_caches", "1"), ok); }

}  // namespace varve::test_support
