// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace {

// Adds up what the tests covered.
class CrashPoints final : public testing::EmptyTestEventListener {
    void OnTestEnd(const testing::TestInfo& test) override {
        for (int i = 0; i < test.result()->test_property_count(); ++i) {
            const auto& property = test.result()->GetTestProperty(i);
            if (std::string(property.key()) == "crash_points") covered_ += std::stoull(property.value());
        }
    }
    void OnTestProgramEnd(const testing::UnitTest&) override { std::printf("crash points covered: %zu\n", covered_); }

    std::size_t covered_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    testing::UnitTest::GetInstance()->listeners().Append(new CrashPoints);  // googletest owns it
    return RUN_ALL_TESTS();
}
