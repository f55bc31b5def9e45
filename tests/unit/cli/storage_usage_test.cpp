// SPDX-License-Identifier: LGPL-2.1-or-later
// What storage is used for.
#include "tests/unit/cli/session.h"

#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using nlohmann::json;

class StorageUsage : public testing::Session {
protected:
    void SetUp() override {
        Session::SetUp();
        tree.add_volume(
            "pools/p/v", "data", "",
            R"({"revision":"2018-01-01T03:04:05Z","size":512,"usage":0,"modified":"2018-01-01T03:04:05Z","pinned":false,"kept":[]})"
            "\n"
            R"({"revision":"2018-01-02T03:04:05Z","size":512,"usage":1024,"modified":"2018-01-02T03:04:05Z","pinned":false,"kept":["newest"]})"
            "\n");
    }
};

TEST_F(StorageUsage, AddsUp) {
    tree.put("pools/p/v/.varve/data/usage", "10240\n");
    tree.put("pools/p/v/.varve/data/shares", R"({"state":"committed","exclusive":1024}
{"state":"revision","revision":"2018-01-01T03:04:05Z","exclusive":512}
{"state":"revision","revision":"2018-01-02T03:04:05Z","exclusive":256}
)");
    EXPECT_EQ(run({"--bytes", "usage"}).out,
              "NAME      SIZE   USED  EXCLUSIVE  SHARED  PRUNABLE  REVISIONS\n"
              "p/v/data     0  10240       1792    8448       512          2\n"
              "p/v/root  4096   4096       2048    2048         0          0\n"
              "total     4096  14336       3840   10496       512          2\n");
    EXPECT_EQ(run({"--bytes", "usage", "--vms", "p"}).out,
              "NAME   SIZE   USED  EXCLUSIVE  SHARED  PRUNABLE  REVISIONS\n"
              "p/v    4096  14336       3840   10496       512          2\n"
              "total  4096  14336       3840   10496       512          2\n");
    EXPECT_EQ(run({"--bytes", "usage", "-r", "p/v/data"}).out,
              "NAME                     SIZE   USED  EXCLUSIVE  SHARED  PRUNABLE  REVISIONS\n"
              "p/v/data                    0  10240       1792    8448       512          2\n"
              "  committed                                1024\n"
              "  @2018-01-01T03:04:05Z   512      0        512       0       512\n"
              "  @2018-01-02T03:04:05Z   512   1024        256     768\n");
    const auto all = json::parse(run({"--json", "usage"}).out);
    EXPECT_EQ(all.at("total").at("shared"), 10496);
    EXPECT_EQ(all.at("volumes")[0].at("states")[1],
              (json{{"state", "revision"}, {"revision", "2018-01-01T03:04:05Z"}, {"exclusive", 512}, {"shared", 0}}));
    EXPECT_EQ(all.at("volumes")[0].at("states")[2].at("shared"), 768);
    EXPECT_EQ(all.at("volumes")[0].at("states")[0].at("shared"), nullptr) << "nobody knows what it takes alone";
}

TEST_F(StorageUsage, OfWhatIsNotThereOrStrange) {
    EXPECT_EQ(run({"usage", "p/v/none"}).code, ExitCode::NotFound);
    EXPECT_EQ(run({"usage", "q"}).code, ExitCode::NotFound);
    EXPECT_EQ(run({"usage", "-r", "--vms"}).code, ExitCode::Usage);
    tree.put("pools/p/v/.varve/data/shares", "{\"state\":\"committed\",\"exclusive\":-1}\n");
    const auto ran = run({"usage"});
    EXPECT_EQ(ran.code, ExitCode::Failed);
    EXPECT_NE(ran.out.find("p/v/root"), std::string::npos) << "one broken volume hides no other";
}

}  // namespace
}  // namespace varve::cli
