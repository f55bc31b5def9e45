// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/cli/session.h"

#include <fcntl.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <array>

namespace varve::cli {
namespace {

using Commands = testing::Session;
using nlohmann::json;

TEST_F(Commands, SessionVerbsGoToTheirCtlFiles) {
    tree.add_volume("pools/p/w", "root", "");
    EXPECT_EQ(run({"start", "p/v", "p/w/root"}).code, ExitCode::Ok);
    EXPECT_EQ(tree.get("pools/p/v/.varve/ctl"), "start\n");
    EXPECT_EQ(tree.get("pools/p/w/.varve/root/ctl"), "start\n");
    EXPECT_EQ(run({"discard", tree.at("pools/p/v/root.img")}).code, ExitCode::Ok);
    EXPECT_EQ(tree.get("pools/p/v/.varve/root/ctl"), "discard\n");
}

TEST_F(Commands, OneFailureStopsNoOther) {
    const auto ran = run({"stop", "p/absent", "p/v/root"});
    EXPECT_EQ(ran.code, ExitCode::NotFound);
    EXPECT_EQ(ran.err, "varve: p/absent does not exist\n");
    EXPECT_EQ(tree.get("pools/p/v/.varve/root/ctl"), "stop\n");
}

TEST_F(Commands, QuietSaysNothingAndJsonOneObject) {
    EXPECT_EQ(run({"-q", "stop", "p/v/root"}).out, "");
    const auto object = json::parse(run({"--json", "stop", "p/v/root"}).out);
    ASSERT_EQ(object.at("results").size(), 1U);
    EXPECT_EQ(object.at("results")[0].at("ok"), true);
}

TEST_F(Commands, AnInterruptEndsTheRow) {
    interrupted = true;
    const auto ran = run({"start", "p/v"});
    EXPECT_EQ(ran.code, ExitCode::Interrupted);
    EXPECT_EQ(static_cast<int>(ran.code), 130);
    EXPECT_NE(ran.err.find("interrupted"), std::string::npos);
    EXPECT_EQ(tree.get("pools/p/v/.varve/ctl"), "");
}

TEST_F(Commands, RevertTakesTheRevisionEitherWay) {
    EXPECT_EQ(run({"revert", "p/v/root", "2018-01-02T03:04:05Z.2"}).code, ExitCode::Ok);
    EXPECT_EQ(tree.get("pools/p/v/.varve/root/ctl"), "revert 2018-01-02T03:04:05Z.2\n");
    tree.put("pools/p/v/.varve/root/ctl", "");
    directory = tree.at("pools/p/v");
    EXPECT_EQ(run({"revert", "root.img@label"}).code, ExitCode::Ok);
    EXPECT_EQ(tree.get("pools/p/v/.varve/root/ctl"), "revert label\n");
}

TEST_F(Commands, ResizeSendsExactBytes) {
    EXPECT_EQ(run({"resize", "p/v/root", "20G"}).code, ExitCode::Ok);
    EXPECT_EQ(tree.get("pools/p/v/.varve/root/ctl"), "resize 21474836480\n");
    tree.put("pools/p/v/.varve/root/ctl", "");
    EXPECT_EQ(run({"resize", "p/v/root", "+1K"}).code, ExitCode::Ok);
    EXPECT_EQ(tree.get("pools/p/v/.varve/root/ctl"), "resize 5120\n");
    EXPECT_EQ(run({"resize", "p/v/root", "+9223372036854775000"}).code, ExitCode::Failed);
    EXPECT_EQ(run({"resize", "p/v/none", "+1"}).code, ExitCode::NotFound);
}

TEST_F(Commands, CreateSendsTheSettingsInOneCommand) {
    EXPECT_EQ(run({"create", "p/v/swap", "1M", "--kind", "volatile", "--ephemeral", "--read-only", "--revisions-to-keep", "3"}).code,
              ExitCode::Ok);
    EXPECT_EQ(tree.get("pools/p/v/.varve/ctl"), "create swap volatile 1048576 rw=0 ephemeral=1 revisions_to_keep=3\n");
}

TEST_F(Commands, ACreateThatEndsEarlyLeavesNoVm) {
    EXPECT_EQ(run({"create", "-p", "p/w/data", "1M"}).code, ExitCode::NotFound) << "this tree has no ctl file for new VMs";
    EXPECT_FALSE(tree.has("pools/p/w"));
    interrupted = true;
    EXPECT_EQ(run({"create", "-p", "p/w/data", "1M"}).code, ExitCode::Interrupted);
    EXPECT_FALSE(tree.has("pools/p/w"));
    EXPECT_EQ(run({"create", "-p", "p/v/data", "1M"}).code, ExitCode::Interrupted);
    EXPECT_TRUE(tree.has("pools/p/v")) << "which was there";
    EXPECT_EQ(tree.get("pools/p/v/.varve/ctl"), "");
}

TEST_F(Commands, SnapshotLinksTheState) {
    const auto ran = run({"--json", "snapshot", "p/v/root", "before-upgrade"});
    EXPECT_EQ(ran.code, ExitCode::Ok);
    EXPECT_EQ(json::parse(ran.out), (json{{"volume", "p/v/root"}, {"revision", "before-upgrade"}}));
    EXPECT_EQ(tree.get("pools/p/v/root.img@before-upgrade"), tree.get("pools/p/v/root.img"));
    EXPECT_EQ(run({"snapshot", "p/v/root@before-upgrade"}).code, ExitCode::Failed);
    EXPECT_EQ(run({"snapshot", "p/v/none", "x"}).code, ExitCode::NotFound);
}

TEST_F(Commands, CloneIntoAVmKeepsTheName) {
    std::filesystem::create_directory(tree.at("pools/p/w"));
    const auto ran = run({"--json", "clone", "p/v/root", "p/w"});
    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_EQ(json::parse(ran.out).at("volumes"), json{"p/w/root"});
    EXPECT_EQ(tree.get("pools/p/w/root.img"), tree.get("pools/p/v/root.img"));
    EXPECT_EQ(run({"clone", "p/v/root", "p/w/root"}).code, ExitCode::Failed);
    EXPECT_EQ(run({"clone", "--force", "p/v/root", "p/w/root"}).code, ExitCode::Ok);
    interrupted = true;
    EXPECT_EQ(run({"clone", "p/v/root", "p/w/again"}).code, ExitCode::Interrupted);
    EXPECT_FALSE(tree.has("pools/p/w/again.img"));
}

TEST_F(Commands, ImportAFileAndExportItAgain) {
    tree.put("outside/disk.raw", std::string(8192, 'd'));
    directory = tree.at("outside");
    const auto imported = run({"--json", "import", "disk.raw", "p/v/new"});
    EXPECT_EQ(imported.code, ExitCode::Ok) << imported.err;
    EXPECT_EQ(json::parse(imported.out), (json{{"source", "disk.raw"}, {"destination", "p/v/new"}, {"size", 8192}}));
    EXPECT_EQ(tree.get("pools/p/v/new.img"), tree.get("outside/disk.raw"));
    EXPECT_EQ(run({"import", "disk.raw", "p/v/new"}).code, ExitCode::Failed);
    EXPECT_EQ(run({"import", "-f", "disk.raw", "p/v/new"}).out, "p/v/new  8.0 KiB\n");
    EXPECT_EQ(run({"import", "absent.raw", "p/v/new2"}).code, ExitCode::NotFound);
    const auto exported = run({"--json", "export", "p/v/new", "copy.raw"});
    EXPECT_EQ(json::parse(exported.out), (json{{"source", "p/v/new"}, {"destination", "copy.raw"}, {"size", 8192}}));
    EXPECT_EQ(tree.get("outside/copy.raw"), tree.get("outside/disk.raw"));
    EXPECT_EQ(run({"export", "p/v/root", "copy.raw"}).code, ExitCode::Failed);
    EXPECT_EQ(run({"--bytes", "export", "--force", "--sparse", "p/v/root", "copy.raw"}).out, "copy.raw  4096\n");
    EXPECT_EQ(run({"export", "p/v/none", "none.raw"}).code, ExitCode::NotFound);
}

TEST_F(Commands, DashIsAStandardStream) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const base::UniqueFd reading(ends[0]);
    base::UniqueFd writing(ends[1]);
    input = reading.get();
    output = writing.get();
    const auto exported = run({"export", "--json", "p/v/root", "-"});
    EXPECT_EQ(exported.code, ExitCode::Ok) << exported.err;
    EXPECT_EQ(exported.out, "") << "standard output is the image";
    writing.reset();
    EXPECT_EQ(run({"-q", "import", "--size", "4K", "-", "p/v/again"}).code, ExitCode::Ok);
    EXPECT_EQ(tree.get("pools/p/v/again.img"), tree.get("pools/p/v/root.img"));
}

TEST_F(Commands, AnInterruptedImportOrExportLeavesNothing) {
    tree.put("outside/disk.raw", std::string(8192, 'd'));
    directory = tree.at("outside");
    interrupted = true;
    EXPECT_EQ(run({"import", "disk.raw", "p/v/new"}).code, ExitCode::Interrupted);
    EXPECT_EQ(run({"export", "p/v/root", "copy.raw"}).code, ExitCode::Interrupted);
    EXPECT_FALSE(tree.has("pools/p/v/new.img"));
    EXPECT_EQ(tree.mount().list("outside").value(), std::vector<std::string>{"disk.raw"});
}

TEST_F(Commands, PoolAddQuotesAndMakesPathsAbsolute) {
    directory = "/srv/images";
    EXPECT_EQ(run({"pool", "add", "q", "file-reflink", "dir_path=./my vms", "owner=alice"}).code, ExitCode::Ok);
    EXPECT_EQ(tree.get(".varve/ctl"), "pool-add q file-reflink \"dir_path=/srv/images/my vms\" owner=alice\n");
    tree.put(".varve/ctl", "");
    EXPECT_EQ(run({"pool", "rm", "q"}).code, ExitCode::Ok);
    EXPECT_EQ(tree.get(".varve/ctl"), "pool-rm q\n");
    tree.put(".varve/ctl", "");
    EXPECT_EQ(run({"reload"}).out, "the configuration is read again\n");
    EXPECT_EQ(tree.get(".varve/ctl"), "reload\n");
    EXPECT_EQ(run({"pool", "convert", "q"}).code, ExitCode::Ok);
    EXPECT_EQ(tree.get(".varve/ctl"), "pool-convert q\n");
    EXPECT_EQ(run({"pool", "convert", "../q"}).code, ExitCode::Usage);
    EXPECT_EQ(run({"pool", "add", "q", "sim", "x=a\nb"}).code, ExitCode::Failed);
}

}  // namespace
}  // namespace varve::cli
