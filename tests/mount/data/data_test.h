// SPDX-License-Identifier: LGPL-2.1-or-later
// A volume large enough that its bytes stand out in the daemon's counters.
#pragma once

#include "tests/mount/posix/one_volume.h"

#include <cstdint>
#include <string>

namespace varve::test_support {

inline constexpr std::size_t image_size = 8 << 20;

class DataTest : public OneVolumeTest {
protected:
    void SetUp() override;

    [[nodiscard]] Path image() const { return at("image.img"); }
    [[nodiscard]] Path image_backing() const { return backing(vm()) / "image.img"; }
    // From /proc: "rchar" and "wchar", all bytes that the daemon's system calls have read and written.
    [[nodiscard]] std::uint64_t daemon_bytes(const std::string& counter) const;
    [[nodiscard]] std::size_t daemon_descriptors() const;
    // Without the page cache.
    void drop_caches() const;

    const std::string content_ = pattern('i', image_size);
};

}  // namespace varve::test_support
