// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool's tables say what the volumes' own files do.
#include "tests/unit/control/control_world.h"

#include <future>
#include <sstream>

namespace varve::control_test {
namespace {

class TablesTest : public ControlWorld {
protected:
    std::vector<json> lines(std::string_view table) const {
        std::vector<json> all;
        std::istringstream text(value(pool_place(), table));
        for (std::string line; std::getline(text, line);) all.push_back(json::parse(line));
        return all;
    }
    // The lines of one of a volume's files, with its name.
    std::vector<json> own(const VolumeRef& volume, std::string_view file) const {
        std::vector<json> all;
        std::istringstream text(value(place(volume), file));
        for (std::string line; std::getline(text, line);) {
            all.push_back(json::parse(line));
            all.back()["volume"] = volume.id().str();
        }
        return all;
    }
    const VolumeRef root_ = origin("fedora", "root");
    const VolumeRef app_ = snapshot("work", "root", root_);
};

TEST_F(TablesTest, ALineForEachVolumeByVmAndName) {
    const auto home = origin("work", "home");
    commit(root_, "old", 1514862245);
    ASSERT_TRUE(succeeded(volumes_.start(app_)));
    commit(root_, "new", 1600000000);
    const auto found = lines("volumes");
    ASSERT_EQ(found.size(), 3U);
    std::size_t at = 0;
    for (const auto& volume : {root_, home, app_}) {
        const auto& line = found.at(at++);
        EXPECT_EQ(line.at("volume"), volume.id().str());
        const auto config = json::parse(value(place(volume), "config"));
        for (const auto& [name, setting] : config.items()) EXPECT_EQ(line.at(name), setting) << name;
        EXPECT_EQ(line.at("state").get<std::string>() + "\n", value(place(volume), "state"));
        for (const auto* number : {"size", "usage"}) EXPECT_EQ(line.at(number).dump() + "\n", value(place(volume), number));
        EXPECT_EQ(line.at("outdated").get<bool>() ? "1\n" : "0\n", value(place(volume), "outdated"));
        EXPECT_EQ(line.at("revisions"), own(volume, "revisions").size());
    }
    EXPECT_EQ(found[0].at("revisions"), 2);
    EXPECT_EQ(found[2].at("state"), "started");
    EXPECT_EQ(found[2].at("outdated"), true);
}

TEST_F(TablesTest, RevisionsAndSharesAreTheVolumesOwnLines) {
    commit(root_, "old", 1514862245);
    ASSERT_TRUE(succeeded(volumes_.take_snapshot(root_, engine_test::label("kept"))));
    const auto other = origin("zoo", "data");
    commit(other, "x", 1514862245);
    for (const auto* file : {"revisions", "shares"}) {
        auto expected = own(root_, file);
        for (const auto& volume : {app_, other})
            for (auto& line : own(volume, file)) expected.push_back(line);
        EXPECT_EQ(lines(file), expected) << file;
        EXPECT_GE(expected.size(), 3U) << file;
    }
}

TEST_F(TablesTest, AreForThePoolsOwnerAndNobodyWritesThem) {
    for (const auto* file : {"volumes", "revisions", "shares"}) {
        EXPECT_EQ(tree_.find(pool_place(), file)->type, control::EntryType::OwnersValue) << file;
        EXPECT_TRUE(failed(tree_.write(pool_place(), file, "x"), Errc::Denied)) << file;
    }
}

class ClosingTablesTest : public ControlWorld {
protected:
    static engine::Settings patient() {
        auto settings = quick();
        settings.wait_release = std::chrono::minutes(1);
        return settings;
    }
    ClosingTablesTest() : ControlWorld(patient()) {}
};

// The kernel answers close(2) before it sends the release, and who has just closed a volume is no longer writing it.
TEST_F(ClosingTablesTest, WaitForWhatIsJustBeingClosed) {
    const auto root = origin("fedora", "root");
    const auto transaction = open(root);
    ASSERT_TRUE(succeeded(write(*transaction, "new")));
    ASSERT_TRUE(succeeded(transaction->flush(process(1))));
    auto table = std::async(std::launch::async, [&] { return value(pool_place(), "volumes"); });
    EXPECT_EQ(table.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(json::parse(table.get()).at("state"), "halted");
}

}  // namespace
}  // namespace varve::control_test
