// SPDX-License-Identifier: LGPL-2.1-or-later
// The networks of a VM that is there already: nothing of the old ones stays linked, or there is an error.
#include "orchestrator/domain_xml/description.h"
#include "tests/unit/vm/world.h"

#include <algorithm>
#include <fstream>

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
    [[nodiscard]] definitions::Uuid domain() { return world.machines->info(work).value().domain.value(); }
    [[nodiscard]] std::vector<LiveInterface> live() {
        return domain_xml::read_description(world.hypervisor->description(domain()).value()).value().interfaces;
    }
    // As an orchestrator left it that was killed while it changed them.
    void left(const LiveInterface& one, const Interface& wanted, Link link = Link::Up) {
        const auto xml = domain_xml::interface_xml({wanted.source, one.mac, {}}, world.hypervisor->domain_type().value(), link);
        ASSERT_TRUE(world.hypervisor->update_interface(domain(), xml));
    }
    void plug_in(const std::string& name) {
        ASSERT_TRUE(world.hypervisor->attach_device(domain(), "<interface type='bridge'><source bridge='" + name + "'/></interface>"));
    }
    void expect_refused(const std::vector<Interface>& wanted) {
        const auto before = seen();
        const auto changed = world.machines->set_networks(work, wanted);
        ASSERT_FALSE(changed);
        EXPECT_EQ(changed.error().code, Errc::Busy) << changed.error().message();
        EXPECT_EQ(seen(), before);
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
    plug_in("theirs");
    expect_refused({bridge("br2")});
    EXPECT_EQ(defined(), std::vector{bridge("br1")});
}

TEST_F(NetworksTest, NorIsOneTakenForItsOwnThatIsOnTheSameNetwork) {
    start({bridge("br1")});
    plug_in("br1");
    expect_refused({bridge("br2")});
}

TEST_F(NetworksTest, ThoseOfTheVmsOwnTemplateStay) {
    const auto file = world.directory / "own.xml";
    std::ofstream(file) << "<domain type='test'><devices><interface type='bridge'><source bridge='fixed'/></interface></devices></domain>";
    world.define("work", [&](definitions::VmDefinition& vm) {
        vm.domain_xml = file;
        vm.interfaces = {bridge("br1")};
    });
    ASSERT_TRUE(world.machines->start(work, {}));
    const auto changed = world.machines->set_networks(work, {bridge("br2"), bridge("br3")});
    ASSERT_TRUE(changed) << changed.error().message();
    EXPECT_EQ(seen(), "fixed br2 br3");
    plug_in("br3");
    expect_refused({bridge("br4"), bridge("br5")});
}

TEST_F(NetworksTest, AChangeThatWasBrokenOffGoesOn) {
    start({bridge("br1"), bridge("br2")});
    left(live()[0], bridge("br3"));
    const auto moved = world.machines->set_networks(work, {bridge("br3"), bridge("br4")});
    ASSERT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(seen(), "br3 br4");
    plug_in("br5");
    const auto added = world.machines->set_networks(work, {bridge("br3"), bridge("br4"), bridge("br5"), bridge("br6")});
    ASSERT_TRUE(added) << added.error().message();
    EXPECT_EQ(seen(), "br3 br4 br5 br6");
    ASSERT_TRUE(world.machines->pause(work));
    left(live()[1], bridge("br4"), Link::Down);
    const auto taken = world.machines->set_networks(work, {bridge("br7")});
    ASSERT_TRUE(taken) << taken.error().message();
    EXPECT_EQ(seen(), "br7 br4- br5- br6-");
    EXPECT_EQ(defined(), std::vector{bridge("br7")});
}

TEST_F(NetworksTest, ThatAreAsWantedAlreadyAreNoted) {
    start({bridge("br1")});
    left(live()[0], bridge("br2"));
    ASSERT_TRUE(world.machines->set_networks(work, {bridge("br2")}));
    EXPECT_EQ(defined(), std::vector{bridge("br2")});
}

// What resumes a VM has it still when the hypervisor tells that it runs.
TEST_F(NetworksTest, WaitForWhoeverHasTheVm) {
    world.settings.patience = std::chrono::milliseconds(0);
    world.start_orchestrator();
    start({bridge("br1")});
    ASSERT_TRUE(world.machines->pause(work));
    std::vector<Errc> errors;
    const auto heard = world.hypervisor->subscribe([&](const hypervisor::Event& event) {
        if (!std::holds_alternative<hypervisor::DomainResumed>(event)) return;
        if (const auto changed = world.machines->set_networks(work, {bridge("br2")}); !changed) errors.push_back(changed.error().code);
    });
    ASSERT_TRUE(world.machines->resume(work));
    EXPECT_EQ(errors, std::vector{Errc::TimedOut}) << "not refused before its time";
    ASSERT_TRUE(world.machines->set_networks(work, {bridge("br2")}));
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
