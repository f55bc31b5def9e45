// SPDX-License-Identifier: LGPL-2.1-or-later
// Which steps the program is run around, what it is told, and what its answers do.
#include "drivers/callback/callback.h"
#include "drivers/sim/sim.h"
#include "tests/fakes/fake_hook_runner.h"
#include "tests/fakes/stepping_clock.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <gtest/gtest.h>

#include <sstream>

namespace varve::callback {
namespace {

using base::Errc;
using base::Result;
using fakes::HookHistory;
using Texts = std::vector<std::string>;

class CallbackPoolTest : public testing::Test {
protected:
    void SetUp() override { open(); }

    void open(const Moments& moments = parse_moments("setup destroy create start stop remove resize import export").value()) {
        pool_.reset();
        auto opened = try_open(moments);
        ASSERT_TRUE(opened) << opened.error().message();
        pool_ = *std::move(opened);
    }
    Result<std::unique_ptr<api::Pool>> try_open(const Moments& moments = standard_moments()) {
        const Settings settings{.name = base::PoolName::parse("fast").value(),
                                .driver = "sim",
                                .program = "/etc/varve/hook",
                                .moments = moments,
                                .driver_parameters = {{"dir_path", "/srv/vms"}, {"setup-check", "false"}},
                                .own_parameters = {{"callback_program", "/etc/varve/hook"}}};
        return callback::open(
            settings, std::make_unique<fakes::FakeHookRunner>(history_),
            [&]() -> Result<std::unique_ptr<api::Pool>> {
                ++opened_;
                return sim::open({}, disk_, ids_, clock_, kernel::BootId{"boot"});
            },
            log_);
    }

    Result<> execute(const api::Command& command) {
        auto done = pool_->execute(root_, view_ ? &*view_ : nullptr, command);
        if (!done) return base::Failure(done.error());
        view_ = *std::move(done);
        return {};
    }
    void run(const api::Command& command) {
        const auto done = execute(command);
        ASSERT_TRUE(done) << done.error().message();
    }
    void create(api::VolumeConfig config = origin()) {
        ASSERT_TRUE(pool_->create_vm(root_.vm, {}));
        run(api::Create{std::move(config)});
    }
    static api::VolumeConfig origin() {
        api::VolumeConfig config;
        config.size = {1048576};
        return config;
    }
    // What was run since the last look.
    Texts ran() {
        calls_ = history_.take();
        Texts texts;
        for (const auto& call : calls_) texts.push_back(HookHistory::text_of(call));
        return texts;
    }
    // Of the calls that ran() has told.
    [[nodiscard]] std::string told(std::size_t call, const std::string& variable) const {
        return HookHistory::value(calls_.at(call), variable);
    }
    void fail_with(const kernel::Finished& finished) {
        history_.answer([finished](const Call&) -> Result<kernel::Finished> { return finished; });
    }
    void answer_well() { fail_with(HookHistory::exited(0)); }

    HookHistory history_;
    std::ostringstream text_;
    spdlog::logger log_{"hooks", std::make_shared<spdlog::sinks::ostream_sink_st>(text_)};
    api::StateIds ids_;
    fakes::SteppingClock clock_{base::Timestamp{1'700'000'000, 0}};
    std::shared_ptr<sim::Disk> disk_ = sim::make_disk();
    int opened_ = 0;
    std::unique_ptr<api::Pool> pool_;
    const base::VolumePath root_{base::VmName::parse("work").value(), base::VolumeName::parse("root").value()};
    std::optional<api::VolumeView> view_;
    std::vector<Call> calls_;
};

TEST_F(CallbackPoolTest, SetupIsRunBeforeTheDriverOpens) {
    EXPECT_EQ(ran(), Texts{"before setup fast"});
    EXPECT_EQ(told(0, "VARVE_WHEN"), "before");
    EXPECT_EQ(told(0, "VARVE_STEP"), "setup");
    EXPECT_EQ(told(0, "VARVE_POOL"), "fast");
    EXPECT_EQ(told(0, "VARVE_DRIVER"), "sim");
    EXPECT_EQ(told(0, "VARVE_PARAMETER_DIR_PATH"), "/srv/vms");
    EXPECT_EQ(told(0, "VARVE_PARAMETER_SETUP_CHECK"), "false");
    EXPECT_EQ(told(0, "VARVE_VM"), "(unset)");
    fail_with(HookHistory::exited(1, "no key\n"));
    const auto refused = try_open();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Denied);
    EXPECT_EQ(refused.error().message(), "pool fast: the program /etc/varve/hook, run before setup, ended with exit status 1: no key");
    EXPECT_EQ(opened_, 1);
}

TEST_F(CallbackPoolTest, DestroyIsAroundTheRemovalAndCanForbidIt) {
    (void)ran();
    fail_with(HookHistory::exited(1));
    EXPECT_EQ(pool_->before_removal().error().code, Errc::Denied);
    (void)ran();
    answer_well();
    pool_.reset();  // the daemon's end is no removal
    EXPECT_EQ(ran(), Texts{});
    open();
    (void)ran();
    EXPECT_TRUE(pool_->before_removal());
    EXPECT_EQ(ran(), Texts{"before destroy fast"});
    pool_.reset();
    EXPECT_EQ(ran(), Texts{"after destroy fast"});
}

TEST_F(CallbackPoolTest, CreateAndStart) {
    (void)ran();
    create();
    EXPECT_EQ(ran(), (Texts{"before create fast work root", "after create fast work root"}));
    EXPECT_EQ(told(0, "VARVE_VM"), "work");
    EXPECT_EQ(told(0, "VARVE_VOLUME"), "root");
    EXPECT_EQ(told(0, "VARVE_KIND"), "origin");
    EXPECT_EQ(told(0, "VARVE_SIZE"), "1048576");
    EXPECT_EQ(told(0, "VARVE_RW"), "1");
    run(api::Start{});
    EXPECT_EQ(ran(), (Texts{"before start fast work root", "after start fast work root"}));
    EXPECT_EQ(told(0, "VARVE_SIZE"), "1048576");
    EXPECT_EQ(told(0, "VARVE_DEVICE"), "(unset)");
    EXPECT_EQ(told(1, "VARVE_DEVICE"), pool_->device(root_, *view_)->string());
}

TEST_F(CallbackPoolTest, ResizeAndStop) {
    create();
    run(api::Start{});
    (void)ran();
    run(api::Resize{{2097152}});
    EXPECT_EQ(ran(), (Texts{"before resize fast work root", "after resize fast work root"}));
    EXPECT_EQ(told(0, "VARVE_SIZE"), "2097152");
    EXPECT_NE(told(0, "VARVE_DEVICE"), "(unset)");
    run(api::Stop{api::Stop::Outcome::Commit, {}});
    EXPECT_EQ(ran(), (Texts{"before stop fast work root", "after stop fast work root"}));
    EXPECT_EQ(told(0, "VARVE_OUTCOME"), "commit");
    EXPECT_NE(told(0, "VARVE_DEVICE"), "(unset)");
    EXPECT_EQ(told(1, "VARVE_DEVICE"), "(unset)");
    run(api::Start{});
    (void)ran();
    run(api::Stop{api::Stop::Outcome::Discard, {}});
    ASSERT_EQ(ran().size(), 2U);
    EXPECT_EQ(told(0, "VARVE_OUTCOME"), "discard");
}

TEST_F(CallbackPoolTest, ASnapshotIsToldItsSourceAndSize) {
    create();
    const auto source = *view_;
    const base::VolumePath child{root_.vm, base::VolumeName::parse("child").value()};
    api::VolumeConfig config;
    config.kind = api::Snapshot{{root_, {}}};
    const auto made = pool_->execute(child, nullptr, api::Create{config});
    ASSERT_TRUE(made);
    (void)ran();
    ASSERT_TRUE(pool_->execute(child, &**made, api::Start{api::StartSource{{root_, {}}, &source}}));
    ASSERT_EQ(ran().size(), 2U);
    EXPECT_EQ(told(0, "VARVE_KIND"), "snapshot");
    EXPECT_EQ(told(0, "VARVE_SOURCE"), "work/root");
    EXPECT_EQ(told(0, "VARVE_SIZE"), "1048576");
}

TEST_F(CallbackPoolTest, ImportExportAndRemove) {
    create();
    (void)ran();
    auto image = pool_->create_image(root_.vm, {});
    ASSERT_TRUE(image);
    ASSERT_TRUE(image->storage().set_size({4096}));
    run(api::Publish{&*image, api::Publish::AsCommitted{}});
    EXPECT_EQ(ran(), (Texts{"before import fast work root", "after import fast work root"}));
    EXPECT_EQ(told(0, "VARVE_SIZE"), "4096");
    ASSERT_EQ(view_->revisions.size(), 1U);
    const auto revision = view_->revisions.front().id;
    ASSERT_TRUE(pool_->open_state(root_, *view_, revision));
    EXPECT_EQ(ran(), Texts{"before export fast work root"});
    EXPECT_EQ(told(0, "VARVE_REVISION"), revision.str());
    EXPECT_EQ(told(0, "VARVE_SIZE"), "1048576");
    run(api::RemoveRevision{revision});
    EXPECT_EQ(ran(), (Texts{"before remove fast work root", "after remove fast work root"}));
    EXPECT_EQ(told(0, "VARVE_REVISION"), revision.str());
    EXPECT_EQ(told(1, "VARVE_SIZE"), "1048576") << "the revision's";
    run(api::RemoveCommitted{});
    ASSERT_EQ(ran().size(), 2U);
    EXPECT_EQ(told(1, "VARVE_REVISION"), "(unset)");
    EXPECT_FALSE(view_);
}

TEST_F(CallbackPoolTest, NothingIsRunAroundTheRest) {
    create();
    (void)ran();
    run(api::TakeSnapshot{base::Label::parse("kept").value()});
    run(api::Configure{view_->config});
    run(api::SetTime{{}, {1'600'000'000, 0}});
    run(api::Prune{});
    EXPECT_TRUE(pool_->load_vm(root_.vm));
    EXPECT_TRUE(pool_->verify(root_.vm));
    EXPECT_EQ(ran(), Texts{});
}

TEST_F(CallbackPoolTest, OnlyTheWantedMomentsAreRun) {
    open(parse_moments("before-start after-stop").value());
    create();
    run(api::Start{});
    run(api::Stop{});
    EXPECT_TRUE(pool_->open_state(root_, *view_, api::CommittedState{}));
    const auto all = ran();
    EXPECT_EQ(Texts(all.end() - 2, all.end()), (Texts{"before start fast work root", "after stop fast work root"}));
}

TEST_F(CallbackPoolTest, ARefusalBeforeChangesNothing) {
    create();
    fail_with(HookHistory::exited(3, "first\nthe disk is locked.\n\n"));
    const auto before = *view_;
    const auto refused = execute(api::Start{});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Denied);
    EXPECT_EQ(refused.error().message(),
              "work/root: the program /etc/varve/hook, run before start, ended with exit status 3: the disk is locked");
    EXPECT_FALSE((*pool_->load_volume(root_, &before))->session);
    for (const auto& command : {api::Command(api::Resize{{2097152}}), api::Command(api::RemoveCommitted{})})
        EXPECT_EQ(execute(command).error().code, Errc::Denied);
    EXPECT_EQ(pool_->open_state(root_, before, api::CommittedState{}).error().code, Errc::Denied);
    EXPECT_EQ((*pool_->load_volume(root_, &before))->committed->size, before.committed->size);
    answer_well();
    run(api::Start{});
}

TEST_F(CallbackPoolTest, ARefusedImportLeavesTheImageToItsOwner) {
    create();
    fail_with(HookHistory::exited(1));
    auto image = pool_->create_image(root_.vm, {});
    ASSERT_TRUE(image->storage().set_size({4096}));
    EXPECT_EQ(execute(api::Publish{&*image, api::Publish::AsCommitted{}}).error().code, Errc::Denied);
    answer_well();
    run(api::Publish{&*image, api::Publish::AsCommitted{}});
}

TEST_F(CallbackPoolTest, EveryEndHasItsWords) {
    create();
    kernel::Finished late;
    late.timed_out = true;
    late.exit_status = 0;  // it ended well after its SIGTERM, but too late
    fail_with(late);
    EXPECT_EQ(execute(api::Start{}).error().message(),
              "work/root: the program /etc/varve/hook, run before start, was ended at its deadline and said nothing");
    EXPECT_EQ(execute(api::Start{}).error().code, Errc::TimedOut);
    kernel::Finished killed;
    killed.signal = 9;
    killed.output = "so far\n";
    fail_with(killed);
    EXPECT_EQ(execute(api::Start{}).error().message(),
              "work/root: the program /etc/varve/hook, run before start, was killed by signal 9: so far");
    EXPECT_EQ(execute(api::Start{}).error().code, Errc::Io);
    // Its ENOENT must not look like a missing volume.
    history_.answer([](const Call&) -> Result<kernel::Finished> { return base::fail_errno(ENOENT, "cannot run it"); });
    EXPECT_EQ(execute(api::Start{}).error().code, Errc::Io);
    EXPECT_FALSE(execute(api::Start{}).error().cause);
}

TEST_F(CallbackPoolTest, AFailureAfterwardsIsLoggedAndTheStepStays) {
    create();
    history_.answer([](const Call& call) -> Result<kernel::Finished> {
        return HookHistory::exited(call.arguments.front() == "after" ? 5 : 0, "sad\n");
    });
    run(api::Start{});
    EXPECT_TRUE(view_->session);
    log_.flush();
    EXPECT_NE(
        text_.str().find("[error] fast: work/root: the program /etc/varve/hook, run after start, ended with exit status 5: sad; the start "
                         "has happened and stays"),
        std::string::npos)
        << text_.str();
}

TEST_F(CallbackPoolTest, WhatItSaysIsLoggedMadePrintable) {
    create();
    auto finished = HookHistory::exited(0);
    finished.output = "opened \x1b[31mred\n";
    fail_with(finished);
    run(api::Start{});
    log_.flush();
    EXPECT_NE(text_.str().find("[info] fast: before start: opened ?[31mred"), std::string::npos) << text_.str();
}

TEST_F(CallbackPoolTest, NothingIsRunForWhatTheRulesForbid) {
    create();
    (void)ran();
    EXPECT_EQ(execute(api::Stop{}).error().code, Errc::InvalidArgument);
    EXPECT_EQ(execute(api::Create{origin()}).error().code, Errc::Exists);
    EXPECT_EQ(ran(), Texts{});
}

TEST_F(CallbackPoolTest, AFailedStepHasNoAfter) {
    ASSERT_TRUE(pool_->create_vm(root_.vm, {}));
    (void)ran();
    const base::VolumePath nowhere{base::VmName::parse("nobody").value(), root_.volume};
    EXPECT_FALSE(pool_->execute(nowhere, nullptr, api::Create{origin()}));
    EXPECT_EQ(ran(), Texts{"before create fast nobody root"});
}

TEST_F(CallbackPoolTest, ItsParametersComeBeforeTheDriversOwn) {
    EXPECT_EQ(pool_->parameters().front(), (std::pair<std::string, std::string>("callback_program", "/etc/varve/hook")));
}

}  // namespace
}  // namespace varve::callback
