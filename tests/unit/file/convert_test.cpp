// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool of the driver file becomes one of file-reflink, with every state it had.
#include "tests/unit/file/pool_world.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace varve::file {
namespace {

using base::Errc;
using List = std::vector<std::string>;

const std::string template_root = "fedora/root";
const std::string app_root = "work/root";

class Convert : public testing::Test {
protected:
    void SetUp() override {
        ok(world_.start());
        ok(world_.create_vm("fedora"));
        ok(world_.create_vm("work"));
        ok(world_.create(template_root, api::Origin{}));
        ok(world_.create("fedora/home", api::Origin{}));
        ok(world_.create("fedora/swap", api::Volatile{}));
        for (const auto* text : {"one", "two", "three"}) session(text);
        ok(world_.create(app_root, api::Snapshot{{path_of(template_root), {}}}));
    }
    static void ok(const base::Result<>& result) { EXPECT_EQ("", explain(result)); }
    void session(const std::string& text) {
        world_.clock.advance(60);
        ok(world_.start_volume(template_root));
        world_.guest_writes(template_root, text);
        ok(world_.stop(template_root, api::Stop::Outcome::Commit, 9));
    }
    [[nodiscard]] List ids() const {
        List all;
        for (const auto& revision : world_.view(template_root)->revisions) all.push_back(revision.id.str());
        return all;
    }
    // Files of the driver file alone.
    [[nodiscard]] List own_files() const {
        List found;
        for (const auto* vm : {"fedora", "work"})
            for (const auto& name : world_.names(vm))
                if (name.find("-cow.img") != std::string::npos || name.find("-session.img") != std::string::npos) found.push_back(name);
        return found;
    }
    void expect_refused(const std::string& why) {
        const auto names = own_files();
        const auto converted = world_.convert();
        ASSERT_FALSE(converted);
        EXPECT_EQ(converted.error().code, Errc::Busy);
        EXPECT_NE(converted.error().message().find(why), std::string::npos) << converted.error().message();
        EXPECT_EQ(own_files(), names);
        ok(world_.start());
    }

    PoolWorld world_;
};

TEST_F(Convert, KeepsEveryStateUnderItsName) {
    ok(world_.execute(template_root, api::TakeSnapshot{base::Label::parse("golden").value()}));
    const auto texts = world_.all_texts(template_root);
    const auto names = ids();
    ASSERT_EQ(texts.size(), 5U) << "the committed one, two with a time besides the first, one with a label";
    ASSERT_FALSE(own_files().empty());
    ok(world_.convert());
    EXPECT_EQ(own_files(), List());
    ok(world_.start_reflink());
    EXPECT_EQ(world_.all_texts(template_root), texts);
    EXPECT_EQ(ids(), names);
    EXPECT_EQ(world_.view("fedora/home")->committed->size.count, 8192U);
    EXPECT_TRUE(std::holds_alternative<api::Volatile>(world_.view("fedora/swap")->config.kind));
    EXPECT_TRUE(std::holds_alternative<api::Snapshot>(world_.view(app_root)->config.kind));
}

TEST_F(Convert, AgainChangesNothing) {
    ok(world_.convert());
    const auto names = world_.names("fedora");
    ok(world_.convert());
    EXPECT_EQ(world_.names("fedora"), names);
}

TEST_F(Convert, WhatIsStartedIsRefused) {
    ok(world_.start_volume(app_root));
    expect_refused("work/root is started");
    ok(world_.stop(app_root));
    ok(world_.start_volume("fedora/swap"));
    expect_refused("fedora/swap is started");
}

TEST_F(Convert, WhatIsDirtyIsRefused) {
    ok(world_.start_volume(template_root));
    world_.guest_writes(template_root, "four");
    PoolWorld next(world_.marks, world_.disk(), world_.clock.now());
    const auto converted = next.convert();
    ASSERT_FALSE(converted);
    EXPECT_EQ(converted.error().code, Errc::Busy);
    EXPECT_NE(converted.error().message().find("fedora/root is dirty"), std::string::npos) << converted.error().message();
    ok(next.start());
    EXPECT_EQ(next.read(template_root), "three") << "the state from before the session";
}

// Without the conversion file-reflink would lose the last revision, or show as committed what a session wrote.
TEST_F(Convert, FileReflinkRefusesWhatWasNotConverted) {
    const auto refused = world_.start_reflink();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("root-cow.img.old"), std::string::npos) << refused.error().message();
    EXPECT_NE(refused.error().message().find("varve pool convert"), std::string::npos);

    ok(world_.convert());
    ok(world_.start());
    ok(world_.start_volume(template_root));
    world_.guest_writes(template_root, "four");
    const auto written = world_.start_reflink();
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().message().find("fedora/root-"), std::string::npos) << written.error().message();
}

// Qubes leaves empty COW files beside images that its own file-reflink uses.
TEST_F(Convert, CowFilesThatHoldNothingAreLeftToThemselves) {
    ok(world_.convert());
    ok(world_.start());
    EXPECT_EQ(world_.read(template_root), "three");  // a reader makes one
    ASSERT_NE(own_files(), List());
    ok(world_.start_reflink());
    EXPECT_EQ(world_.read(template_root), "three");
}

}  // namespace
}  // namespace varve::file
