// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/activity/metrics.h"

#include "tests/unit/activity/activity_world.h"

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

namespace varve::activity {
namespace {

class MetricsTest : public ActivityTest {
protected:
    MetricsTest() { tell(metrics_); }

    [[nodiscard]] std::vector<std::string> lines() const {
        std::istringstream text(metrics_.text());
        std::vector<std::string> all;
        for (std::string line; std::getline(text, line);) all.push_back(line);
        return all;
    }
    [[nodiscard]] bool has(const std::string& line) const {
        const auto all = lines();
        return std::ranges::find(all, line) != all.end();
    }

    engine::Catalogue catalogue_;
    Traffic traffic_;
    Metrics metrics_{catalogue_, traffic_, {1'500'000'000, 0}};
};

TEST_F(MetricsTest, OperationsAreCountedByOutcome) {
    do_("start");
    do_("start");
    begin("start")->failed({base::Errc::Busy, {}, "no"});
    const auto running = begin("stop");
    EXPECT_TRUE(has(R"(varve_operations_total{operation="start",outcome="done"} 2)"));
    EXPECT_TRUE(has(R"(varve_operations_total{operation="start",outcome="failed"} 1)"));
    EXPECT_TRUE(has("varve_operations_running 1"));
    EXPECT_TRUE(has(R"(varve_operation_seconds_count{operation="start"} 3)"));
    EXPECT_TRUE(has(R"(varve_operation_seconds_bucket{operation="start",le="+Inf"} 3)"));
    EXPECT_TRUE(has("varve_start_time_seconds 1500000000"));
}

// The grammar of the text format, line by line; and each family is described once, before its samples.
TEST_F(MetricsTest, EveryLineIsInPrometheusFormat) {
    do_("start");
    begin("remove revision")->failed({base::Errc::Busy, {}, "no"});
    const std::regex comment(R"(# (HELP|TYPE) [a-z_]+ .+)");
    const std::regex sample(R"(([a-z_]+)(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? [0-9.e+-]+)");
    std::set<std::string> described;
    for (const auto& line : lines()) {
        if (line.starts_with("#")) {
            ASSERT_TRUE(std::regex_match(line, comment)) << line;
            std::istringstream words(line);
            std::string hash, what, name;
            words >> hash >> what >> name;
            if (what == "TYPE") {
                EXPECT_TRUE(described.insert(name).second) << line;
            }
            continue;
        }
        std::smatch parts;
        ASSERT_TRUE(std::regex_match(line, parts, sample)) << line;
        const auto name = std::regex_replace(parts[1].str(), std::regex("_(bucket|sum|count)$"), "");
        EXPECT_TRUE(described.contains(name)) << line;
    }
}

TEST_F(MetricsTest, BucketsNeverFall) {
    for (int i = 0; i < 5; ++i) do_("start");
    std::uint64_t before = 0;
    std::size_t buckets = 0;
    for (const auto& line : lines()) {
        if (!line.starts_with("varve_operation_seconds_bucket")) continue;
        const auto count = std::stoull(line.substr(line.rfind(' ')));
        EXPECT_GE(count, before) << line;
        before = count;
        ++buckets;
    }
    EXPECT_EQ(buckets, 9U);
    EXPECT_EQ(before, 5U);
}

}  // namespace
}  // namespace varve::activity
