// SPDX-License-Identifier: LGPL-2.1-or-later
// The networks of a VM that is there already: nothing of the old ones stays linked, or there is an error.
#include "orchestrator/domain_xml/description.h"
#include "tests/unit/vm/world.h"

#include <algorithm>

namespace varve::vm {
namespace {

using base::Errc;
using definitions::BridgeName;
using definitions::Interface;
using definitions::NetworkName;
using domain_xml::Link;
using domain_xml::LiveInterface;

Interface bridge(std::string_view name) { return {named<BridgeName>(name), {}, {}}; }
Interface network(std::string_view name) { return {named<NetworkName>(name), {}, {}}; }

class NetworksTest : public ::testing::Test {
protected:
    void start(const std::vector<Interface>& interfaces) {
        world.define("work", [&](definitions::VmDefinition& vm) { vm.interfaces = interfaces; });
        ASSERT_TRUE(world.machines->start(work, {}));
    }
    [[nodiscard]] std::vector<LiveInterface> live() {
        const auto domain = world.machines->info(work).value().domain.value();
        return domain_xml::read_description(world.hypervisor->description(domain).value()).value().interfaces;
    }
    // "work:br1 work:br2-": the second has no link.
    [[nodiscard]] std::string seen() {
        std::string text;
        for (const auto& each : live()) {
            text += text.empty() ? "" : " ";
            text += std::visit([](const auto& name) { return name.str(); }, each.source.value());
            if (each.link == Link::Down) text += "-";
        }
        return text;
    }
    [[nodiscard]] std::vector<Interface> defined() { return world.definitions->find(work).value().interfaces; }

    World world;
    const base::VmName work = named<base::VmName>("work");
};

TEST_F(NetworksTest, AnInterfaceMovesAndKeepsItsAddress) {
    start({bridge("br1"), network("lan")});
    const auto before = live();
    const std::vector<Interface> wanted{network("wan"), bridge("br2")};
    const auto changed = world.machines->set_networks(work, wanted);
    ASSERT_TRUE(changed) << changed.error().message();
    EXPECT_EQ(seen(), "wan br2");
    EXPECT_EQ(live()[0].mac, before[0].mac);
    EXPECT_EQ(live()[1].mac, before[1].mac);
    EXPECT_EQ(defined(), wanted);
    EXPECT_EQ(std::ranges::count(world.hypervisor->calls(), "update_interface"), 2);
}

TEST_F(NetworksTest, WhatStaysIsNotTouched) {
    start({bridge("br1"), bridge("br2")});
    ASSERT_TRUE(world.machines->set_networks(work, {bridge("br1"), bridge("br3")}));
    EXPECT_EQ(seen(), "br1 br3");
    EXPECT_EQ(std::ranges::count(world.hypervisor->calls(), "update_interface"), 1);
}

TEST_F(NetworksTest, WhatIsTooMuchHasNoLinkAndGoesWhenTheGuestRuns) {
    start({bridge("br1"), bridge("br2")});
    ASSERT_TRUE(world.machines->pause(work));
    const auto changed = world.machines->set_networks(work, {bridge("br1")});
    ASSERT_TRUE(changed) << changed.error().message();
    EXPECT_EQ(seen(), "br1 br2-");
    // A change after that does not mistake it for one of the VM's.
    ASSERT_TRUE(world.machines->set_networks(work, {bridge("br3")}));
    EXPECT_EQ(seen(), "br3 br2-");
    ASSERT_TRUE(world.machines->resume(work));
    EXPECT_EQ(seen(), "br3");
}

TEST_F(NetworksTest, WhatLacksIsPluggedIn) {
    start({});
    ASSERT_TRUE(world.machines->pause(work));
    ASSERT_TRUE(world.machines->set_networks(work, {bridge("br1"), network("lan")}));
    EXPECT_EQ(seen(), "br1 lan");
    ASSERT_TRUE(world.machines->set_networks(work, {}));
    EXPECT_EQ(seen(), "br1- lan-");
    EXPECT_TRUE(defined().empty());
}

TEST_F(NetworksTest, WhereAnInterfaceCannotChangeAnotherTakesItsPlace) {
    world.guests.updates_interfaces = false;
    start({bridge("br1"), bridge("br2")});
    const auto before = live();
    const auto changed = world.machines->set_networks(work, {bridge("br3")});
    ASSERT_TRUE(changed) << changed.error().message();
    EXPECT_EQ(seen(), "br3");
    EXPECT_NE(live()[0].mac, before[0].mac);
}

TEST_F(NetworksTest, AnotherAddressNeedsAnotherInterface) {
    start({bridge("br1")});
    Interface wanted = bridge("br1");
    wanted.mac = named<definitions::MacAddress>("52:54:00:aa:bb:cc");
    ASSERT_TRUE(world.machines->set_networks(work, {wanted}));
    EXPECT_EQ(live()[0].mac, wanted.mac);
    EXPECT_EQ(live().size(), 1U);
}

TEST_F(NetworksTest, AGuestIsToldItsAddressesOnce) {
    start({bridge("br1")});
    Interface wanted = bridge("br2");
    wanted.ip = named<definitions::IpAddress>("192.0.2.7");
    EXPECT_EQ(world.machines->set_networks(work, {wanted}).error().code, Errc::Unsupported);
    EXPECT_EQ(seen(), "br1");
}

TEST_F(NetworksTest, OnesThatSomebodyElseChangedAreNotGuessedAt) {
    start({bridge("br1")});
    const auto domain = world.machines->info(work).value().domain.value();
    ASSERT_TRUE(world.hypervisor->attach_device(domain, "<interface type='bridge'><source bridge='theirs'/></interface>"));
    const auto changed = world.machines->set_networks(work, {bridge("br2")});
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().code, Errc::Busy) << changed.error().message();
    EXPECT_EQ(seen(), "br1 theirs");
    EXPECT_EQ(defined(), std::vector{bridge("br1")});
}

TEST_F(NetworksTest, EachFailureIsTold) {
    for (const auto* call : {"update_interface", "attach_device", "description"}) {
        SCOPED_TRACE(call);
        World fresh;
        fresh.define("work", [&](definitions::VmDefinition& vm) { vm.interfaces = {bridge("br1")}; });
        ASSERT_TRUE(fresh.machines->start(work, {}));
        fresh.hypervisor->fail_next(call, {Errc::Io, {}, "the bridge is gone"});
        const auto changed = fresh.machines->set_networks(work, {bridge("br2"), bridge("br3")});
        ASSERT_FALSE(changed);
        EXPECT_EQ(changed.error().code, Errc::Io);
        EXPECT_EQ(fresh.definitions->find(work).value().interfaces, std::vector{bridge("br1")});
    }
}

TEST_F(NetworksTest, OfAHaltedVmAreTheDefinitionsAlone) {
    world.define("work");
    EXPECT_EQ(world.machines->set_networks(work, {}).error().code, Errc::Busy);
}

}  // namespace
}  // namespace varve::vm
