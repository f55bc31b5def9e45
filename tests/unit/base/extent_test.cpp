// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/extent.h"

#include <gtest/gtest.h>

namespace varve::base {
namespace {

Extent at(std::uint64_t offset, std::uint64_t length) { return {{offset}, {length}}; }

TEST(Extent, TouchingOnesAreOne) {
    Extents extents;
    for (const auto& extent : {at(0, 10), at(10, 5), at(12, 1), at(20, 0), at(16, 4)}) append(extents, extent);
    EXPECT_EQ(extents, (Extents{at(0, 15), at(16, 4)}));
}

TEST(Extent, CoarsenedCoversAllOfThem) {
    Extents many;
    for (std::uint64_t i = 0; i < 1000; ++i) append(many, at(i * 10000 + 5, 10));
    EXPECT_EQ(coarsened(many, {20000}, 1000), (Extents{at(5, 10), at(10005, 10)}));
    EXPECT_EQ(coarsened(many, {10007}, 1000), (Extents{at(5, 10), at(10005, 2)}));
    for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{500}}) {
        const auto fewer = coarsened(many, {9'990'010}, most);
        EXPECT_LE(fewer.size(), most);
        EXPECT_EQ(fewer.back().end(), Bytes{9'990'010});
        auto covering = fewer.begin();
        for (const auto& extent : many) {
            while (covering != fewer.end() && covering->end() <= extent.offset) ++covering;
            if (extent.offset >= Bytes{9'990'010}) break;
            ASSERT_NE(covering, fewer.end());
            EXPECT_LE(covering->offset, extent.offset);
            EXPECT_GE(covering->end(), std::min(extent.end(), Bytes{9'990'010}));
        }
    }
}

TEST(Extent, TheWholeOfEverything) {
    const Extents everything{at(0, UINT64_MAX)};
    EXPECT_EQ(coarsened(everything, {4096}, 1), Extents{at(0, 4096)});
    EXPECT_EQ(coarsened(everything, largest_volume, 1), (Extents{{{0}, largest_volume}}));
    EXPECT_EQ(coarsened(everything, {0}, 1), Extents{});
    EXPECT_EQ(coarsened({at(0, 1), at(largest_volume.count - 1, 1)}, largest_volume, 1), (Extents{{{0}, largest_volume}}));
}

}  // namespace
}  // namespace varve::base
