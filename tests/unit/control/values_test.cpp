// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/control/control_world.h"

#include <sstream>

namespace varve::control_test {
namespace {

class ValuesTest : public ControlWorld {
protected:
    base::Result<> write(const VolumeRef& volume, std::string_view name, std::string_view text) {
        return tree_.write(place(volume), name, text);
    }

    const VolumeRef root_ = origin("fedora", "root");
};

TEST_F(ValuesTest, OfAnOrigin) {
    commit(root_, "old", 1514862245);
    commit(root_, "new", 1600000000);
    const auto at = place(root_);
    EXPECT_EQ(value(at, "kind"), "origin\n");
    EXPECT_EQ(value(at, "source"), "\n");
    EXPECT_EQ(value(at, "state"), "halted\n");
    EXPECT_EQ(value(at, "outdated"), "0\n");
    EXPECT_EQ(value(at, "rw"), "1\n");
    EXPECT_EQ(value(at, "size"), "1048576\n");
    EXPECT_EQ(value(at, "revisions_to_keep"), "1\n");
    EXPECT_EQ(value(at, "ephemeral"), "0\n");
    EXPECT_EQ(value(at, "blockers"), "");
    EXPECT_EQ(
        json::parse(value(at, "config")),
        json::parse(
            R"({"kind":"origin","rw":true,"revisions_to_keep":1,"schedule":"none","ephemeral":false,"inherited":["revisions_to_keep","schedule"]})"));
    ASSERT_TRUE(succeeded(write(root_, "revisions_to_keep", "1")));
    EXPECT_EQ(json::parse(value(at, "config")).at("inherited"), json::parse(R"(["schedule"])")) << "the same number, but its own";
    EXPECT_EQ(value(at, "usage"), "8192\n");  // a page in the committed state and one in the revision
    EXPECT_EQ(value(at, "exclusive"), "8192\n");
}

TEST_F(ValuesTest, RevisionsAreOneObjectALine) {
    commit(root_, "old", 1514862245);
    ASSERT_TRUE(succeeded(volumes_.set_time(root_, {}, {1514862245, 120})));
    ASSERT_TRUE(succeeded(volumes_.take_snapshot(root_, engine_test::label("keep"))));
    ASSERT_TRUE(succeeded(volumes_.clear(root_)));
    const auto text = value(place(root_), "revisions");
    EXPECT_EQ(std::ranges::count(text, '\n'), 3);
    EXPECT_NE(
        text.find(
            R"({"revision":"2018-01-02T03:04:05Z","size":1048576,"usage":4096,"modified":"2018-01-02T03:04:05.000000120Z","pinned":false,"kept":["grace"],"goes_when_short":false})"
            "\n"),
        std::string::npos)
        << text;
    EXPECT_NE(text.find(R"({"revision":"keep")"), std::string::npos);
    EXPECT_NE(text.find(R"("pinned":true,"kept":["label"],"goes_when_short":false})"), std::string::npos);
}

TEST_F(ValuesTest, StatesAreNamed) {
    const auto at = place(root_);
    const auto transaction = open(root_);
    EXPECT_EQ(value(at, "state"), "writing\n");
    EXPECT_TRUE(succeeded(transaction->released()));
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    EXPECT_EQ(value(at, "state"), "started\n");
    EXPECT_NE(value(at, "blockers").find("started already"), std::string::npos);
    ASSERT_TRUE(succeeded(volumes_.stop(root_, api::Stop::Outcome::Discard)));
    commit(root_, "x", 1000);
    ASSERT_TRUE(succeeded(volumes_.remove(root_)));
    EXPECT_EQ(value(at, "state"), "removed\n");
    EXPECT_EQ(value(at, "size"), "0\n");
}

TEST_F(ValuesTest, AfterARebootAStartedVolumeIsDirty) {
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    reboot();
    const VolumeRef root{vm("fedora"), root_.volume};
    EXPECT_EQ(value(place(root), "state"), "dirty\n");
    EXPECT_FALSE(tree_.find(place(root), "device").has_value());
}

TEST_F(ValuesTest, OfASnapshot) {
    commit(root_, "a", 1000);
    const auto app = snapshot("work", "root", root_);
    EXPECT_EQ(value(place(app), "source"), "../fedora/root.img\n");
    EXPECT_EQ(value(place(app), "size"), "1048576\n");
    ASSERT_TRUE(succeeded(write(app, "source", "../fedora/root.img@before\n")));
    EXPECT_EQ(value(place(app), "source"), "../fedora/root.img@before\n");
    EXPECT_EQ(value(place(app), "size"), "0\n");
    EXPECT_TRUE(failed(write(app, "source", "../work/root.img"), Errc::InvalidArgument));
    EXPECT_TRUE(failed(write(app, "source", "/etc/passwd"), Errc::CrossPool));
    EXPECT_TRUE(failed(write(root_, "source", "../work/root.img"), Errc::InvalidArgument));
    ASSERT_TRUE(succeeded(write(app, "source", "../fedora/root.img")));
    ASSERT_TRUE(succeeded(volumes_.start(app)));
    EXPECT_TRUE(failed(write(app, "source", "../fedora/other.img"), Errc::Busy));
    commit(root_, "b", 2000);
    EXPECT_EQ(value(place(app), "outdated"), "1\n");
}

TEST_F(ValuesTest, OfAVolatileVolume) {
    const auto swap = volatile_volume("work", "swap");
    EXPECT_EQ(value(place(swap), "size"), "1048576\n");
    EXPECT_EQ(value(place(swap), "usage"), "0\n");
    EXPECT_EQ(json::parse(value(place(swap), "config")).at("size"), 1048576);
    ASSERT_TRUE(succeeded(write(swap, "ephemeral", "1\n")));
    EXPECT_EQ(value(place(swap), "ephemeral"), "1\n");
    ASSERT_TRUE(succeeded(volumes_.start(swap)));
    write_device(swap, "x");
    EXPECT_EQ(value(place(swap), "usage"), "4096\n");
    EXPECT_TRUE(failed(write(swap, "ephemeral", "0"), Errc::Busy));
    EXPECT_TRUE(failed(write(root_, "ephemeral", "1"), Errc::InvalidArgument));
}

TEST_F(ValuesTest, FlagsAndCountsAreChecked) {
    ASSERT_TRUE(succeeded(write(root_, "rw", "0\n")));
    EXPECT_EQ(value(place(root_), "rw"), "0\n");
    EXPECT_TRUE(failed(write(root_, "rw", "yes"), Errc::InvalidArgument));
    EXPECT_TRUE(failed(write(root_, "rw", "1\n\n"), Errc::InvalidArgument));
    ASSERT_TRUE(succeeded(write(root_, "revisions_to_keep", "-1\n")));
    EXPECT_EQ(value(place(root_), "revisions_to_keep"), "-1\n");
    for (const auto* text : {"-2", "", "1x", " 1", "99999999999999999999"})
        EXPECT_TRUE(failed(write(root_, "revisions_to_keep", text), Errc::InvalidArgument)) << text;
    EXPECT_TRUE(failed(write(root_, "kind", "volatile"), Errc::Denied));
    EXPECT_TRUE(failed(write(root_, "nothing", "1"), Errc::NotFound));
}

TEST_F(ValuesTest, TheScheduleIsThePoolsUntilTheVolumeHasItsOwn) {
    EXPECT_EQ(value(place(root_), "schedule"), "none\n");
    ASSERT_TRUE(succeeded(tree_.write(pool_place(), "schedule", "7d 24h\n")));
    EXPECT_EQ(value(pool_place(), "schedule"), "24h 7d\n");
    EXPECT_EQ(value(place(root_), "schedule"), "24h 7d\n");
    ASSERT_TRUE(succeeded(write(root_, "schedule", "none\n")));
    EXPECT_EQ(value(place(root_), "schedule"), "none\n");
    ASSERT_TRUE(succeeded(write(root_, "schedule", "1y")));
    EXPECT_NE(value(place(root_), "config").find(R"("schedule":"1y")"), std::string::npos);
    ASSERT_TRUE(succeeded(write(root_, "schedule", "\n")));
    EXPECT_EQ(value(place(root_), "schedule"), "24h 7d\n");
    EXPECT_TRUE(failed(write(root_, "schedule", "often"), Errc::InvalidArgument));
    EXPECT_TRUE(failed(tree_.write(pool_place(), "schedule", ""), Errc::InvalidArgument));
    EXPECT_EQ(value(place(root_), "schedule"), "24h 7d\n");
}

TEST_F(ValuesTest, SharesTellWhatEachStateHoldsAlone) {
    commit(root_, "x", 1514862245);
    ASSERT_TRUE(succeeded(volumes_.take_snapshot(root_, engine_test::label("same"))));
    std::vector<json> shares;
    std::istringstream lines(value(place(root_), "shares"));
    for (std::string line; std::getline(lines, line);) shares.push_back(json::parse(line));
    ASSERT_EQ(shares.size(), 3U);
    EXPECT_EQ(shares[0], (json{{"state", "committed"}, {"exclusive", 0}})) << "its page is the label's, too";
    EXPECT_EQ(std::ranges::count(shares, json{{"state", "revision"}, {"revision", "same"}, {"exclusive", 0}}), 1);
    ASSERT_TRUE(succeeded(volumes_.remove_revision(root_, revision("same"))));
    EXPECT_TRUE(value(place(root_), "shares")
                    .starts_with(R"({"state":"committed","exclusive":4096})"
                                 "\n"));
}

TEST_F(ValuesTest, RevisionsTellWhyTheyAreKept) {
    ASSERT_TRUE(succeeded(write(root_, "revisions_to_keep", "0")));
    ASSERT_TRUE(succeeded(write(root_, "schedule", "1d")));
    constexpr std::int64_t midnight = 1'600'041'600;  // of 2020-09-14
    ASSERT_TRUE(succeeded(volumes_.set_time(root_, {}, {midnight - 1, 0})));
    for (const std::int64_t second : {1, 2, 3}) commit(root_, "x", midnight + second);
    clock_.advance(25 * 3600);  // beyond the grace
    const auto told = [&](const char* field) {
        auto all = json::array();
        std::istringstream lines(value(place(root_), "revisions"));
        for (std::string line; std::getline(lines, line);) all.push_back(json::parse(line).at(field));
        return all;
    };
    EXPECT_EQ(told("kept"), json::parse(R"([[], [], ["day"]])"));
    EXPECT_EQ(told("goes_when_short"), json({false, false, false})) << "the pool has no prune_below";
    pool_->set_prune_below(base::Percent{10});
    EXPECT_EQ(told("goes_when_short"), json({false, false, true}));
    ASSERT_TRUE(succeeded(write(root_, "revisions_to_keep", "1")));
    EXPECT_EQ(told("kept"), json::parse(R"([[], [], ["newest", "day"]])"));
    EXPECT_EQ(told("goes_when_short"), json({false, false, false})) << "more than the schedule keeps the last";
}

TEST_F(ValuesTest, OfThePool) {
    EXPECT_EQ(value(pool_place(), "driver"), "sim\n");
    EXPECT_EQ(value(pool_place(), "config"), "{}\n");
    EXPECT_EQ(value(pool_place(), "included_in"), "\n");
    EXPECT_EQ(value(pool_place(), "prune_below"), "none\n");
    pool_->set_prune_below(base::Percent{12.5});
    EXPECT_EQ(value(pool_place(), "prune_below"), "12.5%\n");
    pool_->set_prune_below(mebibytes(1));
    EXPECT_EQ(value(pool_place(), "prune_below"), "1048576\n");
    administration_.outer = base::PoolName::parse("outer").value();
    EXPECT_EQ(value(pool_place(), "included_in"), "outer\n");
    EXPECT_EQ(value(pool_place(), "revisions_to_keep"), "1\n");
    EXPECT_GT(std::stoull(value(pool_place(), "size")), std::stoull(value(pool_place(), "usage")));
    ASSERT_TRUE(succeeded(tree_.write(pool_place(), "revisions_to_keep", "5\n")));
    EXPECT_EQ(value(place(root_), "revisions_to_keep"), "5\n");
    EXPECT_TRUE(failed(tree_.write(pool_place(), "revisions_to_keep", "-1"), Errc::InvalidArgument));
    EXPECT_TRUE(failed(tree_.write(pool_place(), "size", "1"), Errc::Denied));
}

}  // namespace
}  // namespace varve::control_test
