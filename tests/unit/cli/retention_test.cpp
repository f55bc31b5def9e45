// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/cli/session.h"

#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using nlohmann::json;

class RetentionCommand : public testing::Session {
protected:
    void SetUp() override {
        Session::SetUp();
        tree.add_volume(
            "pools/p/v", "data", "",
            R"({"revision":"2018-01-01T03:04:05Z","size":512,"usage":0,"modified":"2018-01-01T03:04:05Z","pinned":false,"kept":[]})"
            "\n"
            R"({"revision":"2018-01-02T03:04:05Z","size":512,"usage":1024,"modified":"2018-01-02T03:04:05Z","pinned":false,"kept":["newest","day"]})"
            "\n");
    }
    // What was written is the first line: unlike the mount's, these files keep what stood behind it.
    std::string written(const std::string& file) {
        const auto text = tree.get(file);
        return text.substr(0, text.find('\n'));
    }
    std::string of_data(const std::string& file) { return written("pools/p/v/.varve/data/" + file); }
};

TEST_F(RetentionCommand, ShowsWhyEachIsKept) {
    EXPECT_EQ(run({"retention", "p/v/data"}).out,
              "Volume:             p/v/data\n"
              "Revisions to keep:  2\n"
              "Schedule:           24h 7d\n"
              "Prune below:        none\n"
              "REVISION              WRITTEN                  USED  KEPT FOR\n"
              "2018-01-01T03:04:05Z  2018-01-01T03:04:05Z      0 B  nothing, goes at the next prune\n"
              "2018-01-02T03:04:05Z  2018-01-02T03:04:05Z  1.0 KiB  newest, day\n");
    const auto both = json::parse(run({"--json", "retention", "p/v"}).out).at("volumes");
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0].at("volume"), "p/v/data");
    EXPECT_EQ(both[0].at("schedule"), "24h 7d");
    EXPECT_EQ(both[0].at("revisions")[1].at("kept"), (json{"newest", "day"}));
    EXPECT_EQ(json::parse(run({"--json", "retention", "p"}).out),
              (json{{"pool", "p"}, {"revisions_to_keep", 2}, {"schedule", "24h 7d"}, {"prune_below", nullptr}}));
}

TEST_F(RetentionCommand, TellsWhatGoesWhenSpaceIsShort) {
    tree.put("pools/p/.varve/prune_below", "10%\n");
    tree.put(
        "pools/p/v/.varve/data/revisions",
        R"({"revision":"2018-01-01T03:04:05Z","size":512,"usage":0,"modified":"2018-01-01T03:04:05Z","pinned":false,"kept":["day","year"],"goes_when_short":true})"
        "\n"
        R"({"revision":"2018-01-02T03:04:05Z","size":512,"usage":0,"modified":"2018-01-02T03:04:05Z","pinned":false,"kept":["newest","day"],"goes_when_short":false})"
        "\n");
    const auto text = run({"retention", "p/v/data"}).out;
    EXPECT_NE(text.find("Prune below:        10%\n"), std::string::npos) << text;
    EXPECT_NE(text.find("day, year, goes when space is short\n"), std::string::npos) << text;
    EXPECT_NE(text.find("newest, day\n"), std::string::npos) << text;
    const auto told = json::parse(run({"--json", "retention", "p/v/data"}).out).at("volumes")[0];
    EXPECT_EQ(told.at("prune_below"), "10%");
    EXPECT_EQ(told.at("revisions")[0].at("goes_when_short"), true);
    EXPECT_EQ(told.at("revisions")[1].at("goes_when_short"), false);
    EXPECT_EQ(json::parse(run({"--json", "retention", "p"}).out).at("prune_below"), "10%");
    EXPECT_NE(run({"pool", "info", "p"}).out.find("Prune below:        10%\n"), std::string::npos);
    EXPECT_EQ(json::parse(run({"--json", "pool", "info", "p"}).out).at("prune_below"), "10%");
}

TEST_F(RetentionCommand, RevisionsWithAllThatIsKnownOfThem) {
    tree.put("pools/p/v/.varve/data/shares", R"({"state":"committed","exclusive":1024}
{"state":"revision","revision":"2018-01-01T03:04:05Z","exclusive":512}
)");
    const std::string table =
        "REVISION                       WRITTEN                SIZE     USED  EXCLUSIVE  KEPT FOR\n"
        "p/v/data@2018-01-01T03:04:05Z  2018-01-01T03:04:05Z  512 B      0 B      512 B  nothing, goes at the next prune\n"
        "p/v/data@2018-01-02T03:04:05Z  2018-01-02T03:04:05Z  512 B  1.0 KiB             newest, day\n";
    EXPECT_EQ(run({"revisions", "p/v/data"}).out, table);
    EXPECT_EQ(run({"revisions", "p/v"}).out, table) << "root has none";
    const auto volumes = json::parse(run({"--json", "revisions", "p/v"}).out).at("volumes");
    ASSERT_EQ(volumes.size(), 2U);
    EXPECT_EQ(volumes[0].at("volume"), "p/v/data");
    EXPECT_EQ(volumes[0].at("revisions")[0], (json{{"revision", "2018-01-01T03:04:05Z"},
                                                   {"modified", "2018-01-01T03:04:05Z"},
                                                   {"size", 512},
                                                   {"usage", 0},
                                                   {"exclusive", 512},
                                                   {"pinned", false},
                                                   {"kept", json::array()}}));
    EXPECT_EQ(volumes[0].at("revisions")[1].at("exclusive"), nullptr) << "not told is not 0";
    EXPECT_EQ(volumes[1].at("revisions"), json::array());
    EXPECT_EQ(run({"revisions", "p/v/root"}).out, "p/v/root  no revisions\n");
}

TEST_F(RetentionCommand, RevisionsOfWhatHasNone) {
    EXPECT_EQ(run({"revisions", "p/v/none"}).code, ExitCode::NotFound);
    EXPECT_EQ(run({"revisions", "p/absent"}).code, ExitCode::NotFound);
    EXPECT_EQ(run({"revisions", "p"}).code, ExitCode::Usage);
    for (const auto* command : {"revisions", "retention", "prune", "verify", "start"})
        EXPECT_NE(run({command, "p/v/data@kept"}).err.find("'p/v/data@kept' is one revision; name its volume p/v/data"), std::string::npos)
            << command;
    tree.put("pools/p/v/.varve/root/shares", "nonsense\n");
    const auto ran = run({"revisions", "p/v"});
    EXPECT_EQ(ran.code, ExitCode::Failed);
    EXPECT_NE(ran.out.find("p/v/data@2018-01-02T03:04:05Z"), std::string::npos) << "one broken volume hides no other";
}

TEST_F(RetentionCommand, ChangesVolumesAndPools) {
    EXPECT_EQ(run({"retention", "p/v/data", "--keep", "5", "--schedule", "12m 2y"}).code, ExitCode::Ok);
    EXPECT_EQ(of_data("ctl"), "configure revisions_to_keep=5 \"schedule=12m 2y\"") << "one step";
    tree.put("pools/p/v/.varve/data/ctl", "");
    EXPECT_EQ(run({"retention", "p/v", "--schedule", "pool"}).code, ExitCode::Ok);
    EXPECT_EQ(of_data("ctl"), "configure schedule=");
    EXPECT_EQ(written("pools/p/v/.varve/root/ctl"), "configure schedule=");
    EXPECT_EQ(run({"retention", "p", "--schedule", "none", "--keep", "0"}).code, ExitCode::Ok);
    EXPECT_EQ(written("pools/p/.varve/schedule"), "none");
    EXPECT_EQ(written("pools/p/.varve/revisions_to_keep"), "0");
}

TEST_F(RetentionCommand, BadInputChangesNothing) {
    for (const std::vector<std::string>& wrong : {std::vector<std::string>{"retention"},
                                                  {"retention", "p", "--schedule", "pool"},
                                                  {"retention", "p", "--schedule", "none", "--keep", "-2"},
                                                  {"retention", "p/v/data@x", "--keep", "5"},
                                                  {"retention", "p/v/data", "--keep", "many"},
                                                  {"retention", "p/v/data", "--schedule", "none", "--keep", "-2"},
                                                  {"retention", "p/v/data", "--schedule", ""},
                                                  {"retention", "p/v/data", "12m"}})
        EXPECT_EQ(run(wrong).code, ExitCode::Usage) << wrong.back();
    EXPECT_EQ(run({"retention", "p/v/none"}).code, ExitCode::NotFound);
    EXPECT_EQ(run({"retention", "q/v"}).code, ExitCode::NotFound);
    EXPECT_EQ(written("pools/p/.varve/schedule"), "24h 7d");
    EXPECT_EQ(written("pools/p/.varve/revisions_to_keep"), "2");
    EXPECT_EQ(of_data("ctl"), "");
}

// As a mount that refuses the second of a pool's two values.
TEST_F(RetentionCommand, APoolWhoseScheduleIsRefusedKeepsWhatItKept) {
    std::filesystem::remove(tree.at("pools/p/.varve/schedule"));
    std::filesystem::create_directory(tree.at("pools/p/.varve/schedule"));
    EXPECT_EQ(run({"retention", "p", "--keep", "0", "--schedule", "1d"}).code, ExitCode::Failed);
    EXPECT_EQ(written("pools/p/.varve/revisions_to_keep"), "2");
}

TEST_F(RetentionCommand, AVolumeThatFailsStopsNoOther) {
    std::filesystem::remove(tree.at("pools/p/v/.varve/data/ctl"));
    const auto ran = run({"--json", "retention", "p/v", "--keep", "5"});
    EXPECT_EQ(ran.code, ExitCode::NotFound);
    EXPECT_NE(ran.err.find("p/v/data"), std::string::npos) << ran.err;
    EXPECT_EQ(written("pools/p/v/.varve/root/ctl"), "configure revisions_to_keep=5");
    const auto shown = json::parse(ran.out).at("volumes");
    ASSERT_EQ(shown.size(), 1U) << "what became of the others is told";
    EXPECT_EQ(shown[0].at("volume"), "p/v/root");
}

TEST_F(RetentionCommand, AnInterruptChangesNothingMore) {
    interrupted = true;
    EXPECT_EQ(run({"retention", "p/v", "--keep", "5"}).code, ExitCode::Interrupted);
    EXPECT_EQ(of_data("ctl"), "");
    EXPECT_EQ(written("pools/p/v/.varve/root/ctl"), "");
}

// This tree answers no command: it shows what is asked.
TEST_F(RetentionCommand, ADryRunAsksAndChangesNothing) {
    EXPECT_EQ(run({"retention", "-n", "p/v/data", "--keep", "5", "--schedule", "pool"}).code, ExitCode::Failed);
    EXPECT_EQ(of_data("ctl"), "retention revisions_to_keep=5 schedule=");
    tree.put("pools/p/v/.varve/data/config", R"({"kind":"origin","revisions_to_keep":2,"inherited":["schedule"]})");
    tree.put("pools/p/v/.varve/root/config", R"({"kind":"origin","revisions_to_keep":2,"inherited":[]})");
    tree.put("pools/p/v/.varve/data/ctl", "");
    EXPECT_EQ(run({"retention", "--dry-run", "p", "--keep", "5", "--schedule", "7d"}).code, ExitCode::Failed);
    EXPECT_EQ(of_data("ctl"), "retention schedule=7d") << "only what it has from the pool";
    EXPECT_EQ(of_data("schedule"), "24h 7d");
    EXPECT_EQ(written("pools/p/.varve/schedule"), "24h 7d");
    EXPECT_EQ(written("pools/p/.varve/revisions_to_keep"), "2");
    EXPECT_EQ(written("pools/p/v/.varve/root/ctl"), "");
    EXPECT_EQ(run({"retention", "-n", "p", "--keep", "-1"}).code, ExitCode::Failed);
}

TEST_F(RetentionCommand, ADryRunForetellsThePrune) {
    EXPECT_EQ(run({"prune", "--dry-run", "p/v"}).out,
              "p/v/data@2018-01-01T03:04:05Z  would be removed\n"
              "p/v/root  nothing to remove\n");
    EXPECT_EQ(json::parse(run({"--json", "prune", "-n", "p/v/data"}).out),
              json::parse(R"({"results":[{"volume":"p/v/data","would_remove":["2018-01-01T03:04:05Z"]}]})"));
    EXPECT_EQ(run({"prune", "-n", "p"}).out, run({"prune", "-n", "p/v"}).out) << "a pool is all its VMs";
    EXPECT_EQ(run({"prune", "-n", "absent"}).code, ExitCode::NotFound);
    EXPECT_EQ(run({"prune", "-n", "p/v/none", "p/v/root"}).code, ExitCode::NotFound);
    EXPECT_EQ(of_data("ctl"), "") << "no command was sent";
}

// A daemon that does not tell must not look as if everything were to go.
TEST_F(RetentionCommand, RevisionsWithoutReasonsAreNoForecast) {
    tree.put("pools/p/v/.varve/data/revisions", R"({"revision":"2018-01-01T03:04:05Z","size":512,"usage":0,"modified":"m","pinned":false})"
                                                "\n");
    EXPECT_EQ(run({"prune", "-n", "p/v/data"}).code, ExitCode::Failed);
    EXPECT_EQ(run({"prune", "-n", "p/v/data"}).out, "");
}

}  // namespace
}  // namespace varve::cli
