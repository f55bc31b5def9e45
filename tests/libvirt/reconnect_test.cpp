// SPDX-License-Identifier: LGPL-2.1-or-later
// libvirt's daemon ends and comes back, with real guests: the orchestrator knows again what is there, and hears what happens.
#include "tests/libvirt/daemon_host.h"

#include <csignal>

namespace varve::libvirt_test {
namespace {

class Reconnected : public DaemonTest {
protected:
    void SetUp() override {
        DaemonTest::SetUp();
        for (const auto* vm : {"lives", "dies"}) {
            define(vm, "keep-mine");
            (void)must("vm.start", {{"vm", vm}});
            ASSERT_TRUE(eventually([&] { return written(vm) == "mine"; }, guest_patience));
        }
    }
    // libvirt's daemon writes the number of each guest's QEMU there.
    [[nodiscard]] static pid_t qemu_of(const std::string& vm) {
        pid_t pid = -1;
        std::ifstream("/run/libvirt/qemu/" + vm + ".pid") >> pid;
        return pid;
    }
    [[nodiscard]] static bool libvirt_answers() {
        return eventually([] { return host.hypervisor->domains().has_value(); }, guest_patience);
    }
};

TEST_F(Reconnected, WhatEndedMeanwhileIsCommittedAndEventsAreHeardAgain) {
    for (const int signal : {SIGTERM, SIGKILL}) {
        SCOPED_TRACE(signal);
        host.libvirtd->end(signal);
        {
            auto client = connected();
            EXPECT_FALSE(client.call("vm.pause", {{"vm", "lives"}})) << "nobody is there to do it";
        }
        if (signal == SIGTERM) {
            const auto qemu = qemu_of("dies");
            ASSERT_GT(qemu, 1);
            ASSERT_EQ(::kill(qemu, SIGKILL), 0);
            EXPECT_EQ(committed("dies"), "") << "nobody knows yet";
        }
        host.libvirtd->start();
        ASSERT_TRUE(libvirt_answers());
        ASSERT_TRUE(comes_to("dies", "halted"));
        EXPECT_EQ(committed("dies"), "mine");
        EXPECT_EQ(control("dies", "state"), "halted");
        EXPECT_EQ(state("lives"), "running");
        EXPECT_EQ(control("lives", "state"), "started");
        // It can be told again, and what happens without the orchestrator is heard.
        // Busy at first, maybe: the orchestrator is comparing what there is with what it knows.
        EXPECT_TRUE(eventually([&] { return connected().call("vm.pause", {{"vm", "lives"}}).has_value(); }));
        EXPECT_EQ(domain("lives").value().state, hypervisor::DomainState::Paused);
        ASSERT_TRUE(host.hypervisor->resume(domain("lives").value().uuid));
        EXPECT_TRUE(comes_to("lives", "running"));
    }
    ASSERT_TRUE(host.hypervisor->destroy(domain("lives").value().uuid));
    EXPECT_TRUE(comes_to("lives", "halted"));
    EXPECT_EQ(committed("lives"), "mine");
}

}  // namespace
}  // namespace varve::libvirt_test
