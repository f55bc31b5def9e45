// SPDX-License-Identifier: LGPL-2.1-or-later
// Volumes of VMs grow on a real mount. No guest of libvirt's test driver can be told so, which shows that it was to be.
#include "tests/orchestrator/mounted.h"

namespace varve::tests {
namespace {

using nlohmann::json;

class Resizing : public MountedOrchestrator {
protected:
    void SetUp() override {
        MountedOrchestrator::SetUp();
        (void)must({"create", "-p", at("work/data"), "1M"});
        (void)must({"vm", "create", "work", "class=standalone", "memory=1M", "--volume", "data=" + pool_});
    }
    [[nodiscard]] std::string size() const { return control("work", "data", "size"); }
    [[nodiscard]] std::string trouble() const { return json::parse(must({"--json", "vm", "info", "work"}))["trouble"].get<std::string>(); }
};

TEST_F(Resizing, ThroughTheOrchestrator) {
    EXPECT_EQ(must({"vm", "resize", "work", "data", "2M"}), at("work/data") + "  2.0 MiB\n");
    EXPECT_EQ(size(), std::to_string(2 << 20));
    int status = 0;
    EXPECT_NE(varve({"vm", "resize", "work", "root", "2M"}, &status).find("has no volume 'root'"), std::string::npos);
    EXPECT_NE(status, 0);
    EXPECT_NE(varve({"vm", "resize", "work", "data", "1M"}, &status).find("can only grow"), std::string::npos);
    EXPECT_NE(status, 0);
}

TEST_F(Resizing, PastTheOrchestratorItsGuestIsToldAllTheSame) {
    (void)must({"vm", "start", "work"});
    EXPECT_EQ(trouble(), "");
    const auto told = "its guest does not know the new size of " + at("work/data");
    // More than once: the orchestrator may not listen yet.
    EXPECT_TRUE(eventually([&] {
        (void)must({"resize", at("work/data"), "+4K"});
        return trouble().find(told) != std::string::npos;
    })) << trouble();
    (void)must({"vm", "kill", "work"});
}

}  // namespace
}  // namespace varve::tests
