// SPDX-License-Identifier: LGPL-2.1-or-later
// A change of the template's networks outdates nothing: what is handed out has them.
#include "tests/unit/preloading/world.h"

namespace varve::preloading::tests {
namespace {

using definitions::Interface;
using definitions::NetworkName;
using vm::VmState;
using At = std::vector<std::pair<std::string, VmState>>;

class PreloadingNetworks : public World {
protected:
    // The template's, with an address of its own, which disposables do not have.
    void give(const std::string& network) {
        ASSERT_TRUE(store->set_interfaces(
            vm("dvm"), {{NetworkName::parse(network).value(), definitions::MacAddress::parse("52:54:00:12:34:56").value(), {}}}));
        loop->run();
    }
    [[nodiscard]] std::vector<Interface> networks_of(const std::string& name) const { return store->find(vm(name)).value().interfaces; }
    // Instead of the queue.
    void at_the_next_change(std::function<void()> task) {
        store->on_change([this, task = std::move(task)] {
            if (!std::exchange(changed_, true)) task();
        });
    }
    static std::vector<Interface> at(const std::string& network, const std::string& address) {
        auto interfaces = on(network);
        interfaces.front().ip = definitions::IpAddress::parse(address).value();
        return interfaces;
    }
    static std::vector<Interface> on(const std::string& network) { return {{NetworkName::parse(network).value(), {}, {}}}; }

private:
    bool changed_ = false;
};

TEST_F(PreloadingNetworks, AChangeOutdatesNothingAndComesBeforeTheGuestRuns) {
    give("lan");
    fill("1");
    give("wan");
    loop->pass(seconds(60));
    EXPECT_EQ(listed(), "disp1");
    EXPECT_EQ(networks_of("disp1"), on("lan"));
    EXPECT_EQ(handed(), "disp1");
    EXPECT_EQ(machines->networks_at, (At{{"disp1", VmState::Paused}}));
    EXPECT_EQ(networks_of("disp1"), on("wan"));
    EXPECT_EQ(state("disp1"), VmState::Running);
}

TEST_F(PreloadingNetworks, WithoutAChangeNothingIsDone) {
    give("lan");
    fill("1");
    EXPECT_EQ(handed(), "disp1");
    EXPECT_EQ(machines->networks_at, At());
}

TEST_F(PreloadingNetworks, OneWhosePauseIsSkippedGetsThemToo) {
    give("lan");
    const auto answer = request_while_one_is_made();
    machines->after_start = [this] { EXPECT_TRUE(store->set_interfaces(vm("dvm"), on("wan"))); };
    loop->release();
    loop->run();
    EXPECT_EQ(*answer, "disp1");
    EXPECT_EQ(machines->networks_at, (At{{"disp1", VmState::Running}}));
    EXPECT_EQ(networks_of("disp1"), on("wan"));
}

TEST_F(PreloadingNetworks, OneThatCannotHaveThemIsNotHandedOut) {
    give("lan");
    fill("2");
    give("wan");
    machines->networks_fail = true;
    EXPECT_EQ(handed(), "cold");
    EXPECT_EQ(machines->networks_at, (At{{"disp1", VmState::Paused}, {"disp2", VmState::Paused}}));
    EXPECT_EQ(reports, (std::vector<std::string>{"disp1: cannot give 'disp1' its networks: it does not let go",
                                                 "disp2: cannot give 'disp2' its networks: it does not let go"}));
    EXPECT_EQ(state("disp1"), VmState::Paused) << "its guest never ran with them";
    loop->pass(seconds(2));
    EXPECT_FALSE(exists("disp1"));
    EXPECT_FALSE(exists("disp2"));
    // What is made from now on has them from its beginning.
    loop->pass(seconds(60));
    EXPECT_EQ(networks_of("disp3"), on("wan"));
    EXPECT_EQ(handed(), "disp3");
}

TEST_F(PreloadingNetworks, OneThatSomebodyResumesGetsThem) {
    give("lan");
    fill("1");
    give("wan");
    ASSERT_TRUE(machines->resume(vm("disp1")));
    loop->run();
    EXPECT_EQ(networks_of("disp1"), on("wan"));
    EXPECT_EQ(reports, std::vector<std::string>());
}

TEST_F(PreloadingNetworks, AndIsAnOrdinaryDisposableWhenItCannot) {
    give("lan");
    fill("1");
    give("wan");
    machines->networks_fail = true;
    ASSERT_TRUE(machines->resume(vm("disp1")));
    loop->run();
    EXPECT_EQ(reports, std::vector<std::string>{"disp1: cannot give 'disp1' its networks: it does not let go"});
    restart();
    EXPECT_TRUE(exists("disp1"));
    EXPECT_EQ(reports.size(), 1U) << "told once";
}

TEST_F(PreloadingNetworks, ItIsNotedAsUsedBeforeTheyCome) {
    give("lan");
    fill("1");
    give("wan");
    std::vector<Record> then;
    at_the_next_change([&] { then = records(); });
    ASSERT_TRUE(machines->resume(vm("disp1")));
    loop->run();
    ASSERT_EQ(then.size(), 1U);
    EXPECT_EQ(then.front().phase, Record::Phase::Used);
    EXPECT_EQ(records(), std::vector<Record>());
}

TEST_F(PreloadingNetworks, AndGetsThemFromTheNextOrchestratorThoughItIsPausedAgain) {
    give("lan");
    fill("1");
    preloading.reset();
    ASSERT_TRUE(store->set_interfaces(vm("dvm"), on("wan")));
    ASSERT_TRUE(Records::open(directory / "preloads").value().put({vm("disp1"), vm("dvm"), Record::Phase::Used, "one"}));
    restart();
    EXPECT_EQ(networks_of("disp1"), on("wan"));
    EXPECT_FALSE(preloading->holds(vm("disp1")));
    EXPECT_EQ(handed(), "disp2");
    EXPECT_TRUE(exists("disp1"));
}

TEST_F(PreloadingNetworks, OrTheOneAfterWhenItsHypervisorDoesNotAnswer) {
    give("lan");
    fill("1");
    preloading.reset();
    ASSERT_TRUE(store->set_interfaces(vm("dvm"), on("wan")));
    ASSERT_TRUE(Records::open(directory / "preloads").value().put({vm("disp1"), vm("dvm"), Record::Phase::Used, "one"}));
    machines->become(vm("disp1"), VmState::Unknown);
    machines->networks_fail = true;
    restart();
    EXPECT_EQ(networks_of("disp1"), on("lan"));
    machines->become(vm("disp1"), VmState::Running);
    machines->networks_fail = false;
    restart();
    EXPECT_EQ(networks_of("disp1"), on("wan"));
}

TEST_F(PreloadingNetworks, OneThatSomebodyResumesBeforeTheRequestIsNotHandedOut) {
    give("lan");
    fill("2");
    give("wan");
    at_the_next_change([this] { EXPECT_TRUE(machines->resume(vm("disp1"))); });
    EXPECT_EQ(handed(), "disp2");
    loop->pass(seconds(2));
    EXPECT_TRUE(exists("disp1"));
    EXPECT_FALSE(preloading->holds(vm("disp1")));
    EXPECT_EQ(networks_of("disp1"), on("wan"));
}

TEST_F(PreloadingNetworks, AnotherFixedAddressReplacesThemAsAPropertyDoes) {
    ASSERT_TRUE(store->set_interfaces(vm("dvm"), at("lan", "192.0.2.7")));
    fill("2");
    ASSERT_TRUE(store->set_interfaces(vm("dvm"), at("wan", "192.0.2.7")));
    loop->run();
    EXPECT_EQ(listed(), "disp1 disp2") << "the same address on another network";
    ASSERT_TRUE(store->set_interfaces(vm("dvm"), at("wan", "192.0.2.8")));
    loop->run();
    EXPECT_EQ(listed(), "disp1! disp2!");
    EXPECT_EQ(handed(), "cold");
    EXPECT_EQ(machines->networks_at, At()) << "none is tried";
    loop->pass(seconds(60));
    EXPECT_EQ(networks_of("disp3"), at("wan", "192.0.2.8"));
    EXPECT_EQ(handed(), "disp3");
}

TEST_F(PreloadingNetworks, AChangeWhileNobodyLookedOutdatesNothing) {
    give("lan");
    fill("1");
    preloading.reset();
    ASSERT_TRUE(store->set_interfaces(vm("dvm"), on("wan")));
    restart();
    EXPECT_EQ(listed(), "disp1");
    EXPECT_EQ(handed(), "disp1");
    EXPECT_EQ(networks_of("disp1"), on("wan"));
}

TEST_F(PreloadingNetworks, NorDoesOneThatRanThenKeepTheOldOnes) {
    give("lan");
    fill("1");
    preloading.reset();
    ASSERT_TRUE(store->set_interfaces(vm("dvm"), on("wan")));
    machines->become(vm("disp1"), VmState::Running);
    restart();
    EXPECT_EQ(networks_of("disp1"), on("wan"));
    EXPECT_FALSE(preloading->holds(vm("disp1")));
}

}  // namespace
}  // namespace varve::preloading::tests
