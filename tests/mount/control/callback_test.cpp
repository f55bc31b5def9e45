// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool with a program around its steps, as an administrator sees it.
#include "tests/support/mount_fixture.h"
#include "tests/support/run_program.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace varve::test_support {
namespace {

class CallbackTest : public MountTest {
protected:
    void SetUp() override {
        MountTest::SetUp();
        if (HasFatalFailure()) return;
        directory_ = stage().directory() / ("hook-" + vm());
        std::filesystem::create_directory(directory_);
        const auto added = add("");
        ASSERT_EQ(added.error, ok) << added.text;
        ASSERT_EQ(make_directory(work()), ok);
    }
    void TearDown() override {
        (void)send_command(work() / ".varve" / "ctl", "stop");  // what a test that failed has left started
        (void)root_command("pool-rm hooked");
        std::filesystem::remove_all(directory_);
        MountTest::TearDown();
    }

    // Writes what it is called with; refuses starts of `locked`, hangs in stops of `slow`.
    Reply add(const std::string& more) {
        const auto program = directory_ / "hook";
        std::ofstream(program) << "#!/bin/sh\n"
                                  "echo \"$* $VARVE_SIZE ${VARVE_DEVICE:+device}\" >> "
                               << seen().string()
                               << "\n"
                                  "case \"$2 $3 $6\" in\n"
                                  "'before start locked') echo 'the vault is closed' >&2; exit 3;;\n"
                                  "'before stop slow') sleep 1000 & wait;;\n"
                                  "'before destroy '*) [ ! -e \"$0.keep\" ] || { echo 'this pool stays'; exit 1; };;\n"
                                  "esac\n";
        std::filesystem::permissions(program, std::filesystem::perms(0755));
        return root_command("pool-add hooked callback callback_driver=sim callback_timeout=1 callback_arguments=x callback_program=" +
                            program.string() + more);
    }
    [[nodiscard]] Reply root_command(const std::string& text) const { return send_command(mount() / ".varve" / "ctl", text); }
    [[nodiscard]] Reply in_vm(const std::string& text) const { return send_command(work() / ".varve" / "ctl", text); }
    [[nodiscard]] Reply on(const std::string& volume, const std::string& text) const {
        return send_command(work() / ".varve" / volume / "ctl", text);
    }
    [[nodiscard]] Path work() const { return pool("hooked") / "work"; }
    [[nodiscard]] Path seen() const { return directory_ / "seen"; }
    // What the program was called with since the last look.
    [[nodiscard]] std::string take() const {
        std::ostringstream text;
        text << std::ifstream(seen()).rdbuf();
        std::filesystem::remove(seen());
        return text.str();
    }

    Path directory_;
};

TEST_F(CallbackTest, ItIsRunAroundASession) {
    EXPECT_EQ(take(), "x before setup hooked  \n");
    ASSERT_EQ(in_vm("create data origin 1M").error, ok);
    ASSERT_EQ(on("data", "start").error, ok);
    ASSERT_EQ(on("data", "resize 2M").error, ok);
    ASSERT_EQ(on("data", "stop").error, ok);
    ASSERT_EQ(write_file(work() / "data.img", std::string(512, 'x')), ok);
    ASSERT_EQ(remove_file(work() / "data.img"), ok);
    EXPECT_EQ(take(),
              "x before create hooked work data 1048576 \nx after create hooked work data 1048576 \n"
              "x before start hooked work data 1048576 \nx after start hooked work data 1048576 device\n"
              "x before resize hooked work data 2097152 device\nx after resize hooked work data 2097152 device\n"
              "x before stop hooked work data 2097152 device\nx after stop hooked work data 2097152 \n"
              "x before import hooked work data 512 \nx after import hooked work data 512 \n"
              "x before remove hooked work data 512 \nx after remove hooked work data 512 \n");
}

TEST_F(CallbackTest, ARefusedStartSaysWhatTheProgramSaid) {
    ASSERT_EQ(in_vm("create locked origin 1M").error, ok);
    const auto refused = on("locked", "start");
    EXPECT_EQ(refused.error, Errno{EPERM});
    const auto expected =
        "work/locked: the program " + (directory_ / "hook").string() + ", run before start, ended with exit status 3: the vault is closed";
    EXPECT_EQ(refused.at("/error/message"), expected);
    EXPECT_EQ(control_value(work() / ".varve" / "locked" / "state"), "halted");
    const auto all = complaints();
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(all.back().message, expected);
}

TEST_F(CallbackTest, AHangIsEndedAtItsDeadlineAndNothingHasChanged) {
    ASSERT_EQ(in_vm("create slow origin 1M").error, ok);
    ASSERT_EQ(on("slow", "start").error, ok);
    const auto refused = on("slow", "stop");
    EXPECT_EQ(refused.error, Errno{ETIMEDOUT}) << refused.text;
    EXPECT_EQ(control_value(work() / ".varve" / "slow" / "state"), "started");
    std::ofstream(directory_ / "hook") << "#!/bin/sh\n";
    EXPECT_EQ(on("slow", "stop").error, ok);
}

TEST_F(CallbackTest, ItsPoolComesBackAndGoesWithItsSay) {
    EXPECT_NE(control_value(pool("hooked") / ".varve" / "config").find("\"callback_driver\":\"sim\""), std::string::npos);
    EXPECT_EQ(control_value(pool("hooked") / ".varve" / "driver"), "callback");
    (void)take();
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(take(), "x before setup hooked  \n") << "and nothing at the daemon's end";
    std::ofstream(directory_ / "hook.keep") << "";
    const auto refused = root_command("pool-rm hooked");
    EXPECT_EQ(refused.error, Errno{EPERM});
    EXPECT_NE(refused.at("/error/message").find("this pool stays"), std::string::npos) << refused.text;
    EXPECT_TRUE(present(pool("hooked")));
    std::filesystem::remove(directory_ / "hook.keep");
    (void)take();
    ASSERT_EQ(root_command("pool-rm hooked").error, ok);
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(seen()); }));
    std::string all = take();
    EXPECT_TRUE(eventually([&] { return (all += take()) == "x before destroy hooked  \nx after destroy hooked  \n"; })) << all;
}

TEST_F(CallbackTest, TheCheckOfTheConfigurationKnowsItsParameters) {
    const auto varvefs = std::filesystem::read_symlink("/proc/" + std::to_string(daemon().pid()) + "/exe");
    const auto file = directory_ / "varve.toml";
    const std::string pool = "[[pool]]\nname = \"vault\"\ndriver = \"callback\"\ncallback_driver = \"sim\"\n";
    std::ofstream(file) << pool << "callback_program = \"/etc/varve/hook\"\n";
    const auto good = run_program({varvefs, "--check", "--config", file});
    ASSERT_TRUE(good);
    EXPECT_EQ(good->output, file.string() + ": no mistakes, 1 pool\n") << good->describe();
    std::ofstream(file) << pool << "callback_timeout = 0\n";
    const auto wrong = run_program({varvefs, "--check", "--config", file});
    ASSERT_TRUE(wrong);
    EXPECT_EQ(wrong->exit_status, 1);
    EXPECT_EQ(wrong->errors, file.string() + ":3: callback_program is missing\n" + file.string() +
                                 ":5: callback_timeout is '0' and must be a number of seconds from 1 to 3600\n");
    std::ofstream(file) << "min_free = 5\nmode = 1\n"
                        << pool << "callback_program = \"/hook\"\nsize = \"x\"\nschedule = \"often\"\n"
                        << "[[pool]]\nname = \"other\"\ndriver = \"nodriver\"\n";
    const auto all = run_program({varvefs, "--check", "--config", file});
    ASSERT_TRUE(all);
    for (const auto* part : {"toml:2: ", "toml:8: size: ", "toml:9: schedule: ", "toml:12: pool other: there is no driver 'nodriver'"})
        EXPECT_NE(all->errors.find(part), std::string::npos) << part << " in " << all->errors;
    EXPECT_EQ(std::ranges::count(all->errors, '\n'), 4) << all->errors;
}

TEST_F(CallbackTest, WrongParametersAreAllTold) {
    const auto refused = root_command("pool-add wrong callback callback_program=hook callback_timeout=0 callback_steps=begin callback_x=1");
    EXPECT_EQ(refused.error, Errno{EINVAL});
    const auto message = refused.at("/error/message");
    for (const auto* part : {"callback_driver is missing", "'hook' and must be an absolute path", "seconds from 1 to 3600",
                             "no step 'begin'", "no parameter callback_x"})
        EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(root_command("pool-add wrong callback callback_driver=callback callback_program=/bin/true").error, Errno{EINVAL});
    EXPECT_EQ(root_command("pool-add wrong callback callback_driver=sim size=x callback_program=/bin/true").error, Errno{EINVAL});
    EXPECT_EQ(root_command("pool-add wrong callback callback_driver=sim callback_program=/nowhere/hook").error, Errno{ENOENT});
    EXPECT_EQ(root_command("pool-add wrong callback callback_driver=sim callback_program=/bin").error, Errno{EPERM});
}

}  // namespace
}  // namespace varve::test_support
