// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/passthrough.h"

#include "tests/fakes/counting_backing_files.h"

#include <gtest/gtest.h>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <sstream>

namespace varve::fuse {
namespace {

constexpr int any_file = 0;
constexpr NodeId node = 7;

class PassthroughTest : public testing::Test {
protected:
    std::size_t lines_with(std::string_view what) {
        std::size_t lines = 0;
        std::istringstream text(said_.str());
        for (std::string line; std::getline(text, line);) lines += line.find(what) != std::string::npos ? 1 : 0;
        return lines;
    }
    void TearDown() override {
        passthrough_.reset();
        EXPECT_EQ(files_.open_now(), 0U) << "a backing file is left open";
        EXPECT_FALSE(files_.closed_twice());
    }

    std::ostringstream said_;
    spdlog::logger log_{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(said_)};
    fakes::CountingBackingFiles files_;
    std::optional<Passthrough> passthrough_{std::in_place, files_, log_};
};

TEST_F(PassthroughTest, OpensOfANodeShareOneBackingFileUntilTheLastIsReleased) {
    passthrough_->begin(std::nullopt);
    EXPECT_EQ(passthrough_->status(), "on");
    const auto first = passthrough_->opened(node, any_file);
    ASSERT_TRUE(first);
    EXPECT_EQ(passthrough_->opened(node, any_file), first);
    const auto other = passthrough_->opened(node + 1, any_file);
    ASSERT_TRUE(other);
    EXPECT_NE(other, first);
    EXPECT_EQ(files_.open_now(), 2U);
    passthrough_->released(node);
    EXPECT_EQ(files_.open_now(), 2U);
    passthrough_->released(node);
    EXPECT_EQ(files_.open_now(), 1U);
    passthrough_->released(node + 1);
    EXPECT_EQ(files_.open_now(), 0U);
}

TEST_F(PassthroughTest, WhatIsOpenWhenItEndsIsClosed) {
    passthrough_->begin(std::nullopt);
    ASSERT_TRUE(passthrough_->opened(node, any_file));
    ASSERT_TRUE(passthrough_->opened(node + 1, any_file));
}

TEST_F(PassthroughTest, ANodeThatIsOpenThroughTheDaemonStaysSoUntilItIsReleased) {
    passthrough_->begin(std::nullopt);
    files_.fail_with(EMFILE);
    EXPECT_FALSE(passthrough_->opened(node, any_file));
    files_.fail_with(0);
    EXPECT_FALSE(passthrough_->opened(node, any_file)) << "the kernel refuses a mixture";
    EXPECT_TRUE(passthrough_->opened(node + 1, any_file));
    passthrough_->released(node);
    EXPECT_FALSE(passthrough_->opened(node, any_file)) << "one of two is still open";
    passthrough_->released(node);
    passthrough_->released(node);
    EXPECT_TRUE(passthrough_->opened(node, any_file));
}

TEST_F(PassthroughTest, EachReasonOfARefusalIsSaidOnce) {
    passthrough_->begin(std::nullopt);
    EXPECT_EQ(lines_with("passthrough is on"), 1U);
    files_.fail_with(ELOOP);
    for (NodeId each = 2; each < 50; ++each) EXPECT_FALSE(passthrough_->opened(each, any_file));
    EXPECT_EQ(lines_with("read through varvefs"), 1U);
    files_.fail_with(EMFILE);
    EXPECT_FALSE(passthrough_->opened(60, any_file));
    EXPECT_EQ(lines_with("read through varvefs"), 2U);
}

TEST_F(PassthroughTest, IsOffWithoutPrivilegeAndSaysSo) {
    files_.fail_with(EPERM);
    passthrough_->begin(std::nullopt);
    EXPECT_EQ(passthrough_->status(), "off: it needs CAP_SYS_ADMIN");
    EXPECT_EQ(lines_with("kernel passthrough is off: it needs CAP_SYS_ADMIN"), 1U);
    files_.fail_with(0);
    EXPECT_FALSE(passthrough_->opened(node, any_file));
    EXPECT_EQ(files_.opened(), 0);
}

TEST_F(PassthroughTest, IsOffWhenItWasNotAgreedOn) {
    passthrough_->begin("the kernel does not offer it");
    EXPECT_EQ(passthrough_->status(), "off: the kernel does not offer it");
    EXPECT_FALSE(passthrough_->opened(node, any_file));
    EXPECT_EQ(files_.opened(), 0) << "it is not even tried";
}

TEST_F(PassthroughTest, IsOffBeforeTheSessionHasBegun) { EXPECT_FALSE(passthrough_->opened(node, any_file)); }

TEST_F(PassthroughTest, AReleaseOfWhatWasNeverOpenedIsHarmless) {
    passthrough_->begin(std::nullopt);
    passthrough_->released(node);
    EXPECT_TRUE(passthrough_->opened(node, any_file));
}

}  // namespace
}  // namespace varve::fuse
