// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/cli/session.h"

#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using nlohmann::json;

class Listing : public testing::Session {
protected:
    void SetUp() override {
        Session::SetUp();
        tree.add_volume(
            "pools/p/v", "data", "",
            R"({"revision":"before-upgrade","size":1048576,"usage":4096,"modified":"2018-01-02T03:04:05.1Z","pinned":true,"kept":["label"]})"
            "\n");
        tree.add_pool("empty");
        std::filesystem::create_directory(tree.at("pools/p/bare"));
    }
};

TEST_F(Listing, TableOfEverything) {
    EXPECT_EQ(run({"ls"}).out,
              "NAME      KIND    STATE      SIZE     USED  REVISIONS  SOURCE\n"
              "empty     pool\n"
              "p/bare    vm\n"
              "p/v/data  origin  halted      0 B  4.0 KiB          1\n"
              "p/v/root  origin  halted  4.0 KiB  4.0 KiB          0\n");
}

TEST_F(Listing, RevisionsAndExactBytes) {
    EXPECT_EQ(run({"--bytes", "ls", "p/v/data"}).out,
              "NAME                     KIND      STATE      SIZE  USED  REVISIONS  SOURCE\n"
              "p/v/data                 origin    halted        0  4096          1\n"
              "p/v/data@before-upgrade  revision  pinned  1048576  4096\n");
    EXPECT_NE(run({"ls", "-r", "p"}).out.find("@before-upgrade"), std::string::npos);
    EXPECT_EQ(run({"ls", "p"}).out.find("@before-upgrade"), std::string::npos);
}

TEST_F(Listing, PathsInsideTheMount) {
    directory = tree.at("pools/p/v");
    EXPECT_EQ(run({"ls", "data.img"}).out, run({"ls", "p/v/data"}).out);
    EXPECT_EQ(run({"ls", "."}).out, run({"ls", "p/v"}).out);
}

TEST_F(Listing, JsonOfEverything) {
    const auto all = json::parse(run({"--json", "ls"}).out);
    EXPECT_EQ(all.at("pools"), (json{"empty", "p"}));
    EXPECT_EQ(all.at("vms").size(), 2U);
    ASSERT_EQ(all.at("volumes").size(), 2U);
    const auto& data = all.at("volumes")[0];
    EXPECT_EQ(data.at("volume"), "data");
    EXPECT_EQ(data.at("usage"), 4096);
    EXPECT_EQ(data.at("revisions")[0].at("size"), 1048576);
}

TEST_F(Listing, OneBrokenVolumeHidesNoOther) {
    tree.put("pools/p/v/.varve/data/size", "\x1b[2J");
    const auto ran = run({"ls"});
    EXPECT_EQ(ran.code, ExitCode::Failed);
    EXPECT_NE(ran.out.find("p/v/root"), std::string::npos);
    EXPECT_NE(ran.err.find("does not hold a number"), std::string::npos);
}

TEST_F(Listing, HostileValuesReachNoTerminal) {
    tree.put("pools/p/v/.varve/data/source", "\x1b]0;owned\x07\n");
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"ls"}, {"info", "p/v/data"}, {"--json", "ls"}, {"--json", "info", "p/v/data"}}) {
        const auto ran = run(arguments);
        EXPECT_EQ(ran.code, ExitCode::Ok);
        EXPECT_EQ(ran.out.find_first_of("\x1b\x07"), std::string::npos);
        EXPECT_NE(ran.out.find("owned"), std::string::npos);
    }
}

TEST_F(Listing, InfoShowsEverything) {
    std::filesystem::create_symlink("/dev/loop7", tree.at("pools/p/v/.varve/data/device"));
    tree.put("pools/p/v/.varve/data/blockers", "it is started\n");
    const auto text = run({"info", "p/v/data"}).out;
    for (const auto* part : {"Volume:             p/v/data\n", "Exclusive:          2.0 KiB\n", "Device:             /dev/loop7\n",
                             "before-upgrade  1.0 MiB, 4.0 KiB used", "Blockers:           it is started\n"})
        EXPECT_NE(text.find(part), std::string::npos) << part << "in\n" << text;
    const auto object = json::parse(run({"--json", "info", "p/v/data"}).out);
    EXPECT_EQ(object.at("device"), "/dev/loop7");
    EXPECT_EQ(object.at("exclusive"), 2048);
    EXPECT_EQ(object.at("blockers"), json{"it is started"});
    EXPECT_EQ(json::parse(run({"--json", "info", "p/v/root"}).out).at("device"), nullptr);
}

TEST_F(Listing, Pools) {
    EXPECT_EQ(run({"pool", "ls"}).out,
              "POOL   DRIVER     SIZE     USED  KEEP\nempty  sim     1.0 GiB  1.0 MiB     2\np      sim     1.0 GiB  1.0 MiB     2\n");
    EXPECT_EQ(json::parse(run({"--json", "pool", "info", "p"}).out), (json{{"pool", "p"},
                                                                           {"driver", "sim"},
                                                                           {"config", {{"revisions_to_keep", 2}}},
                                                                           {"size", 1073741824},
                                                                           {"usage", 1048576},
                                                                           {"included_in", nullptr},
                                                                           {"revisions_to_keep", 2},
                                                                           {"schedule", "24h 7d"},
                                                                           {"prune_below", nullptr}}));
    EXPECT_EQ(run({"pool", "info", "p"}).out.find("pool empty"), std::string::npos);
    tree.put("pools/p/.varve/included_in", "empty\n");
    EXPECT_NE(run({"pool", "info", "p"}).out.find("pool empty"), std::string::npos);
    EXPECT_EQ(json::parse(run({"--json", "pool", "info", "p"}).out).at("included_in"), "empty");
    EXPECT_EQ(run({"pool", "info", "none"}).code, ExitCode::NotFound);
}

}  // namespace
}  // namespace varve::cli
