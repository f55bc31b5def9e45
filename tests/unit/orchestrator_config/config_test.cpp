// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/config/config.h"

#include <gtest/gtest.h>

#include <string>

namespace varve::orchestrator {
namespace {

std::string mistakes_in(std::string_view toml) {
    const auto config = parse(toml);
    if (config) return "none";
    std::string text;
    for (const auto& [line, what] : config.error()) text += std::to_string(line) + ": " + what + "\n";
    return text;
}

TEST(OrchestratorConfig, EmptyHasTheDefaults) {
    const auto config = parse("");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->socket, "/run/varve/orchestrator.sock");
    EXPECT_EQ(config->mountpoint, "/varve");
    EXPECT_EQ(config->hypervisor.str(), "qemu:///system");
    EXPECT_EQ(config->preload.delay, definitions::RefillDelay(std::chrono::milliseconds(3000)));
    EXPECT_TRUE(config->rights.empty());
}

TEST(OrchestratorConfig, TakesEveryKey) {
    const auto config = parse(
        "socket = \"/run/v.sock\"\nstate_dir = \"/s\"\nmountpoint = \"/m\"\nhypervisor = \"test:///default\"\ndefault_dispvm = \"dvm\"\n"
        "preload-dispvm-max = 2\npreload-dispvm-delay = -1\npreload-dispvm-threshold = \"1G\"\n"
        "[[right]]\nuser = 1000\nverbs = [\"see\", \"start\"]\nvms = [\"work-*\", \"@mine\"]\n[[right]]\ngroup = 7\nverbs = [\"*\"]\nvms = "
        "[\"*\"]\n");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->preload.default_dispvm->str(), "dvm");
    EXPECT_EQ(config->preload.max, 2U);
    EXPECT_EQ(config->preload.threshold.count, 1ULL << 30);
    EXPECT_EQ(config->preload.delay, definitions::RefillDelay(definitions::RefillWhenEmpty{}));
    ASSERT_EQ(config->rights.size(), 2U);
    EXPECT_EQ(config->rights[0].who, (std::variant<UserId, GroupId>(UserId{1000})));
    EXPECT_EQ(config->rights[0].verbs, (std::set{Verb::See, Verb::Start}));
    EXPECT_EQ(config->rights[1].verbs.size(), verb_names().size());
}

TEST(OrchestratorConfig, SomeKeysNeedARestart) {
    const auto running = parse("").value();
    const auto rest = parse(
        "default_dispvm = \"dvm\"\npreload-dispvm-max = 2\npreload-dispvm-delay = -1\npreload-dispvm-threshold = \"1G\"\n"
        "[[right]]\nuser = 1000\nverbs = [\"see\"]\nvms = [\"*\"]\n");
    EXPECT_TRUE(needing_restart(running, rest.value()).empty());
    const auto all = parse(
        "socket = \"/run/v.sock\"\nruntime_dir = \"/r\"\nstate_dir = \"/s\"\nmountpoint = \"/m\"\nhypervisor = \"test:///default\"\n");
    EXPECT_EQ(needing_restart(running, all.value()),
              (std::vector<std::string_view>{"socket", "runtime_dir", "state_dir", "mountpoint", "hypervisor"}));
}

TEST(OrchestratorConfig, AllMistakesAtOnce) {
    EXPECT_EQ(mistakes_in("socket = \"run\"\nhypervisor = \"vbox:///x\"\npreload-dispvm-max = 200\nmountpiont = \"/m\"\n[[right]]\nverbs = "
                          "[\"fly\"]\nvms = [\"a b\"]\n"),
              "1: socket: expected an absolute path, not 'run'\n"
              "2: hypervisor: a hypervisor is given by its libvirt URI: qemu:///system, qemu:///session, xen:///system, test:///default\n"
              "3: preload-dispvm-max: expected a number from 0 to 100, not the number 200\n"
              "4: unknown key 'mountpiont': did you mean 'mountpoint'?\n"
              "5: right.user: a right has exactly one of 'user' and 'group'\n"
              "6: right.verbs: 'fly' is no verb: expected '*' or some of see, start, stop, kill, pause, resume, console, attach, create, "
              "change, clone, "
              "rename, remove, commit, dispose\n"
              "7: right.vms: VMs are given as a name, in which '*' stands for any text, or as '@' and a tag\n");
    EXPECT_EQ(mistakes_in("preload-dispvm-max = 1\n"), "1: preload-dispvm-max: it is for the 'default_dispvm', and there is none\n");
    EXPECT_EQ(mistakes_in("socket = \"/" + std::string(107, 'x') + "\"\n"), "1: socket: a socket's path has at most 107 bytes\n");
    EXPECT_EQ(mistakes_in("right = 1\n"), "1: right: expected tables, each below a line [[right]], not the number 1\n");
}

}  // namespace
}  // namespace varve::orchestrator
