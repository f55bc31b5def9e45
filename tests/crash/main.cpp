// SPDX-License-Identifier: LGPL-2.1-or-later
// `crash_test`: the tests; CRASH_POINTS names a file for their number of crash points. `crash_test --sum FILE...` adds such files up.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
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
    void OnTestProgramEnd(const testing::UnitTest&) override {
        std::printf("crash points covered: %zu\n", covered_);
        if (const char* file = std::getenv("CRASH_POINTS")) std::ofstream(file) << covered_ << '\n';
    }

    std::size_t covered_ = 0;
};

int sum(int count, char** files) {
    std::size_t covered = 0;
    for (int i = 0; i < count; ++i) {
        std::size_t part = 0;
        if (!(std::ifstream(files[i]) >> part) || part == 0) {
            std::fprintf(stderr, "%s tells no crash points\n", files[i]);
            return 1;
        }
        covered += part;
    }
    std::printf("crash points covered: %zu\n", covered);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 2 && std::string(argv[1]) == "--sum") return sum(argc - 2, argv + 2);
    testing::InitGoogleTest(&argc, argv);
    testing::UnitTest::GetInstance()->listeners().Append(new CrashPoints);  // googletest owns it
    return RUN_ALL_TESTS();
}
