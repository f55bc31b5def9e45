// SPDX-License-Identifier: LGPL-2.1-or-later
// Wrong arguments, hostile names, no daemon, no permission.
#include "tests/mount/cli/cli_test.h"

#include <signal.h>
#include <sys/mount.h>

namespace varve::test_support {
namespace {

using CliRefusedTest = CliTest;

TEST_F(CliRefusedTest, WrongUsageExplainsItself) {
    expect_refused_with(Exit::usage, {}, {"--help"});
    expect_refused_with(Exit::usage, {"nonsense"}, {"nonsense", "varve --help"});
    expect_refused_with(Exit::usage, {"ls", "--nonsense"}, {"--nonsense", "varve ls --help"});
    expect_refused_with(Exit::usage, {"ls", "fast", "extra"}, {"extra"});
    expect_refused_with(Exit::usage, {"info"}, {"TARGET", "varve info --help"});
    expect_refused_with(Exit::usage, {"pool"}, {"varve pool --help"});
    expect_refused_with(Exit::usage, {"pool", "add", "x"}, {"DRIVER"});
    expect_refused_with(Exit::usage, {"start", "fast"}, {"does not name a VM (POOL/VM) or a volume"});
    expect_refused_with(Exit::usage, {"ls", "/etc"}, {"is not inside the mount", mount().string()});
    expect_refused_with(Exit::usage, {"ls", mount().string()}, {"is not the path of a pool, a VM or a volume"});
}

TEST_F(CliRefusedTest, HostileNamesChangeNothingAndReachNoTerminal) {
    const std::vector<std::string> hostile{"..",
                                           ".",
                                           "a/../b",
                                           "/",
                                           "-x",
                                           "\x1b[31mred",
                                           "\x1b]0;x\x07",
                                           "new\nline",
                                           "tab\there",
                                           "\xff\xfe",
                                           "a b",
                                           ".varve",
                                           "..@x",
                                           "a%sb",
                                           "'; rm -rf /",
                                           "ctl\r",
                                           "\x7f",
                                           "\xe2\x80\xae"
                                           "x",
                                           "\xc2\x9b"
                                           "31m",
                                           std::string(5000, 'x'),
                                           std::string(100'000, 'y')};
    for (const auto& name : hostile) {
        SCOPED_TRACE(name.substr(0, 40));
        expect_refused_with(Exit::usage, {"start", "--", "fast/" + name}, {});
        expect_refused_with(Exit::usage, {"snapshot", "--", data_name(), name}, {"label"});
        expect_refused_with(Exit::usage, {"clone", "--", data_name(), vm_name() + "/" + name}, {});
        expect_refused_with(Exit::usage, {"import", "--", "/dev/zero", vm_name() + "/" + name}, {});
        expect_refused_with(Exit::usage, {"export", "--", data_name() + "@" + name, "x"}, {});
        expect_refused_with(Exit::usage, {"pool", "add", "--", name, "sim"}, {"pool name"});
    }
    expect_refused_with(Exit::usage, {"start", "-x"}, {"varve start --help"});
    expect_refused_with(Exit::failed, {"pool", "add", "x", "\x1b[31m"}, {"control characters"});
    expect_refused_with(Exit::failed, {"pool", "add", "x", "sim", "size=\x1b[31m"}, {"control characters"});
    expect_refused_with(Exit::usage, {"resize", data_name(), "\x1b[31m"}, {"[31m"});
    expect_refused_with(Exit::usage, {"\x1b[31m"}, {"[31m"});
}

TEST_F(CliRefusedTest, LongNamesGiveShortErrors) {
    for (const auto& target : {"fast/" + std::string(5000, 'x'), "/" + std::string(5000, 'x'), at(std::string(5000, 'x') + ".img").string(),
                               std::string(5000, 'x') + "/a/b/c"}) {
        const auto ran = varve({"ls", target});
        EXPECT_EQ(ran.exit_status, Exit::usage) << ran.describe();
        EXPECT_LT(ran.errors.size(), 1000U) << ran.errors;
    }
}

TEST_F(CliRefusedTest, NoMountSaysHowToGetOne) {
    forget_other_mounts();
    const auto none = varve_with({"VARVE_MOUNT", "/nonexistent"}, {"ls"});
    EXPECT_EQ(none.exit_status, Exit::no_mount) << none.describe();
    EXPECT_TRUE(has(none.errors, "'/nonexistent'")) << none.errors;
    EXPECT_EQ(varve({"--mount", "/nonexistent", "ls"}).exit_status, Exit::no_mount) << "the option is stronger than the variable";
    const auto plain = varve({"--mount", stage().directory().string(), "start", data_name()});
    EXPECT_EQ(plain.exit_status, Exit::no_mount);
    EXPECT_TRUE(has(plain.errors, "is not the root of a mounted Varve")) << plain.errors;
    EXPECT_EQ(varve_with({"VARVE_MOUNT", ""}, {"ls"}).exit_status, 0) << "the only mount there is";
}

TEST_F(CliRefusedTest, ADaemonThatEndedIsNoMount) {
    forget_other_mounts();
    const auto mountpoint = mount().string();
    ASSERT_EQ(daemon().terminate(), 0) << daemon().log_tail();
    const auto unmounted = varve_with({"VARVE_MOUNT", ""}, {"ls"});
    const auto named = varve_with({"VARVE_MOUNT", mountpoint}, {"ls"});
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(unmounted.exit_status, Exit::no_mount) << unmounted.describe();
    EXPECT_TRUE(has(unmounted.errors, "varvefs --config")) << unmounted.errors;
    EXPECT_EQ(named.exit_status, Exit::no_mount) << named.describe();
    EXPECT_EQ(must_varve({"-q", "start", data_name()}), "");
    must_varve({"discard", data_name()});
}

TEST_F(CliRefusedTest, ADaemonThatWasKilledLeavesADeadMount) {
    const auto mountpoint = mount();
    ASSERT_EQ(::kill(daemon().pid(), SIGKILL), 0);  // still our child
    ASSERT_TRUE(eventually([&] { return !daemon().running(); }));
    const auto refused = varve({"ls"});
    ASSERT_EQ(::umount2(mountpoint.c_str(), MNT_DETACH), 0);
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(refused.exit_status, Exit::no_mount) << refused.describe();
    EXPECT_TRUE(has(refused.errors, "no longer answers at '" + mountpoint.string() + "'") && has(refused.errors, "umount -l"))
        << refused.errors;
    EXPECT_EQ(read_file(data()), old_content_);
}

// `varve` as somebody who owns nothing here. The program is copied: its own place may be closed to others.
TEST_F(CliRefusedTest, WithoutPermissionTheReasonIsTold) {
    const auto program = stage().directory() / "varve-of-nobody";
    std::filesystem::copy_file(VARVE_BINARY, program, std::filesystem::copy_options::overwrite_existing);
    ASSERT_EQ(change_mode(program, 0755), ok);
    const auto image = stage().directory() / "image-for-nobody";
    ASSERT_EQ(write_file(image, old_content_), ok);
    ASSERT_EQ(change_mode(image, 0644), ok);
    const auto as_nobody = [&](Words arguments) {
        Words words{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program.string(), "--mount", mount().string()};
        words.insert(words.end(), arguments.begin(), arguments.end());
        const auto finished = run_program(words);
        EXPECT_TRUE(finished) << finished.error().message();
        return finished ? *finished : Finished{};
    };
    EXPECT_EQ(as_nobody({"ls", vm_name()}).output, must_varve({"ls", vm_name()})) << "reading is allowed";
    EXPECT_EQ(as_nobody({"info", data_name()}).exit_status, 0);
    const auto before = tree();
    for (const Words& words : std::vector<Words>{{"start", data_name()},
                                                 {"stop", vm_name()},
                                                 {"discard", data_name()},
                                                 {"resize", data_name(), "1M"},
                                                 {"revert", data_name(), "x"},
                                                 {"snapshot", data_name(), "x"},
                                                 {"clone", data_name(), vm_name() + "/x"},
                                                 {"clone", vm_name(), "fast/new"},
                                                 {"import", image.string(), vm_name() + "/x"},
                                                 {"pool", "add", "x", "sim"},
                                                 {"pool", "rm", "fast"}}) {
        const auto ran = as_nobody(words);
        EXPECT_EQ(ran.exit_status, Exit::failed) << words.front() << ": " << ran.describe();
        EXPECT_TRUE(has(ran.errors, "permission denied; only root and the owner may do it")) << words.front() << ": " << ran.errors;
    }
    EXPECT_EQ(tree(), before);
    EXPECT_EQ(value("data", "state"), "halted");
    std::filesystem::remove(program);
}

}  // namespace
}  // namespace varve::test_support
