// SPDX-License-Identifier: LGPL-2.1-or-later
// What guests on Xen are told, and how they say that they are ready.
#include "tests/unit/vm/world.h"

namespace varve::vm {
namespace {

using base::Errc;
using definitions::VmDefinition;
using definitions::XenstoreReady;
using xenstore::Path;

class XenTest : public ::testing::Test {
protected:
    XenTest() { world.guests.type = domain_xml::DomainType::Xen; }

    static Path key(const hypervisor::Domain& domain, const std::string& name) {
        return Path::parse("/local/domain/" + std::to_string(domain.number.value()) + "/varve/" + name).value();
    }
    static std::function<void(VmDefinition&)> ready_by_key(std::chrono::milliseconds deadline = std::chrono::minutes(1)) {
        return [deadline](VmDefinition& vm) { vm.readiness = {XenstoreReady{}, deadline}; };
    }
    // The guest writes this as soon as it runs.
    void guest_says(const std::string& value) {
        world.hypervisor->on_resume(
            [this, value](const hypervisor::Domain& domain) { EXPECT_TRUE(world.xenstore.write(key(domain, "guest/ready"), value)); });
    }
    void expect_undone() {
        EXPECT_EQ(world.state("work"), VmState::Halted);
        EXPECT_TRUE(world.domains().empty());
        EXPECT_EQ(world.volume("fast/work/root").state, VolumeState::Halted);
        EXPECT_FALSE(world.has_record("work"));
    }

    World world;
};

TEST_F(XenTest, AGuestFindsWhoItIsBeforeItsFirstInstruction) {
    world.define("fedora", [](VmDefinition& vm) { vm.vm_class = definitions::TemplateVm{}; });
    world.define("work", [](VmDefinition& vm) {
        vm.vm_class = definitions::AppVm{named<base::VmName>("fedora"), {}};
        vm.interfaces = {{named<definitions::NetworkName>("lan"), {}, {}},
                         {named<definitions::NetworkName>("wan"), {}, named<definitions::IpAddress>("192.0.2.7")}};
    });
    bool ran = false;
    world.hypervisor->on_resume([&](const hypervisor::Domain& domain) {
        ran = true;
        EXPECT_EQ(world.xenstore.read(key(domain, "name")).value(), "work");
        EXPECT_EQ(world.xenstore.read(key(domain, "class")).value(), "app");
        EXPECT_EQ(world.xenstore.read(key(domain, "template")).value(), "fedora");
        EXPECT_EQ(world.xenstore.read(key(domain, "ip-1")).value(), "192.0.2.7");
        EXPECT_EQ(world.xenstore.read(key(domain, "ip-0")).error().code, Errc::NotFound);
        EXPECT_EQ(world.xenstore.list(key(domain, "guest")).value().size(), 0U);
    });
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_TRUE(ran);
}

TEST_F(XenTest, NothingOfAnEarlierDomainWithItsNumberIsThere) {
    world.define("work", ready_by_key(std::chrono::milliseconds(20)));
    ASSERT_TRUE(world.xenstore.write(Path::parse("/local/domain/1/varve/guest/ready").value(), "1"));
    const auto started = world.machines->start(work, {});
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::TimedOut);
}

TEST_F(XenTest, AGuestIsReadyWhenItSaysSo) {
    world.define("work", ready_by_key());
    guest_says("1");
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_EQ(world.state("work"), VmState::Running);
}

TEST_F(XenTest, WhatElseItSaysIsNotReady) {
    world.define("work", ready_by_key(std::chrono::milliseconds(20)));
    guest_says(std::string(1000, '1'));
    const auto started = world.machines->start(work, {});
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::TimedOut);
    EXPECT_NE(started.error().message().find("the stage 'readiness': the guest did not say in xenstore"), std::string::npos)
        << started.error().message();
    expect_undone();
}

TEST_F(XenTest, AGuestThatDiesIsNotWaitedFor) {
    world.define("work", ready_by_key(std::chrono::hours(1)));
    world.hypervisor->on_resume([this](const auto& domain) { world.hypervisor->guest_ends(domain.name, hypervisor::StopReason::Crashed); });
    const auto started = world.machines->start(work, {});
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::Io);
    expect_undone();
}

TEST_F(XenTest, WithoutXenstoreTheStartIsUndone) {
    world.define("work");
    world.has_xenstore = false;
    const auto started = world.machines->start(work, {});
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().message().find("at the stage 'create': no xenstored answers"), std::string::npos)
        << started.error().message();
    expect_undone();
    world.has_xenstore = true;
    EXPECT_TRUE(world.machines->start(work, {})) << "it is asked for again";
}

TEST_F(XenTest, OtherHypervisorsHaveNoXenstore) {
    world.guests.type = domain_xml::DomainType::Kvm;
    world.define("work");
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_EQ(world.xenstore_opened, 0);
    world.define("other", ready_by_key());
    const auto started = world.machines->start(other, {});
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::InvalidArgument);
    EXPECT_NE(
        started.error().message().find("at the stage 'verify': other is ready when its guest says so in xenstore, which only Xen has"),
        std::string::npos)
        << started.error().message();
}

}  // namespace
}  // namespace varve::vm
