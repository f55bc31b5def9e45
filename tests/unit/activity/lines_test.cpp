// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/activity/event_line.h"
#include "fs/activity/running.h"
#include "tests/unit/activity/activity_world.h"

#include <nlohmann/json.hpp>

namespace varve::activity {
namespace {

using nlohmann::json;

// The lines of what ended.
class Lines final : public engine::OperationListener {
public:
    void began(const engine::Operation&) override {}
    void ended(const engine::Operation& operation, const engine::Outcome& outcome) override {
        const auto line = event_line(operation, outcome);
        EXPECT_TRUE(line.ends_with('\n'));
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        all.push_back(json::parse(line));
    }
    std::vector<json> all;
};

class LinesTest : public ActivityTest {
protected:
    LinesTest() { tell(lines_); }
    static std::shared_ptr<const api::VolumeView> committed(std::uint64_t state) {
        auto view = std::make_shared<api::VolumeView>();
        view->committed = api::State{{state}, {}, {}, {}, {}, {}};
        return view;
    }
    Lines lines_;
};

TEST_F(LinesTest, WhatWasDone) {
    begin("stop")->done(committed(1), committed(2));
    const auto& line = lines_.all.at(0);
    EXPECT_EQ(line.at("number"), 1);
    EXPECT_EQ(line.at("time"), "2020-09-13T12:26:40Z");
    EXPECT_EQ(line.at("operation"), "stop");
    EXPECT_EQ(line.at("volume"), "p/work/root");
    EXPECT_GE(line.at("seconds").get<double>(), 0);
    EXPECT_EQ(line.at("ok"), true);
    EXPECT_EQ(line.at("replaced"), true);
    EXPECT_FALSE(line.contains("error"));
}

TEST_F(LinesTest, AStateThatStaysIsNotReplaced) {
    begin("stop")->done(committed(1), committed(1));
    begin("remove")->done(committed(1), nullptr);
    begin("start")->done(nullptr, nullptr);
    EXPECT_EQ(lines_.all.at(0).at("replaced"), false);
    EXPECT_EQ(lines_.all.at(1).at("replaced"), true);
    EXPECT_EQ(lines_.all.at(2).at("replaced"), false);
}

TEST_F(LinesTest, WhatFailed) {
    begin("start")->failed({base::Errc::NoSpace, {}, "the pool is full\nand \xff more"});
    const auto& line = lines_.all.at(0);
    EXPECT_EQ(line.at("ok"), false);
    EXPECT_EQ(line.at("error").at("code"), "no-space");
    EXPECT_NE(line.at("error").at("message").get<std::string>().find("the pool is full"), std::string::npos);
    EXPECT_FALSE(line.contains("replaced"));
}

TEST_F(LinesTest, WhatEndedInTheMiddleFailed) {
    { const auto running = begin("start"); }
    EXPECT_EQ(lines_.all.at(0).at("ok"), false);
}

TEST_F(LinesTest, AResultIsHandedOn) {
    const auto running = begin("start");
    EXPECT_EQ(running->checked(base::Result<int>(7)).value(), 7);
    EXPECT_TRUE(lines_.all.empty());
    EXPECT_FALSE(running->checked(base::Result<int>(base::fail(base::Errc::Busy, "no"))));
    EXPECT_EQ(lines_.all.size(), 1U);
}

TEST_F(LinesTest, VmsAndTheirNewNames) {
    operations_->begin("rename VM", pool, work, {}, "play")->done();
    const auto& line = lines_.all.at(0);
    EXPECT_EQ(line.at("vm"), "p/work");
    EXPECT_EQ(line.at("to"), "p/play");
    EXPECT_FALSE(line.contains("volume"));
}

TEST_F(ActivityTest, RunningOperationsAreThoseThatBeganAndDidNotEnd) {
    RunningOperations running;
    tell(running);
    EXPECT_EQ(running.lines(), "");
    const auto first = begin("start");
    const auto second = begin("revert");
    ASSERT_EQ(running.all().size(), 2U);
    const auto lines = running.lines();
    EXPECT_LT(lines.find("start"), lines.find("revert"));
    EXPECT_EQ(json::parse(lines.substr(0, lines.find('\n'))).at("volume"), "p/work/root");
    first->done();
    EXPECT_EQ(running.all().size(), 1U);
    second->failed({base::Errc::Io, {}, "no"});
    EXPECT_EQ(running.lines(), "");
}

}  // namespace
}  // namespace varve::activity
