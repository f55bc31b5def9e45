// SPDX-License-Identifier: LGPL-2.1-or-later
// A real guest that was kept ready gets the networks of its template before it runs, and never speaks on those that it was made with.
#include "tests/libvirt/bridges.h"
#include "tests/libvirt/preloaded.h"

#include "orchestrator/domain_xml/description.h"

namespace varve::libvirt_test {
namespace {

using base::VmName;
using definitions::Interface;

class PreloadedGuestsNetworks : public PreloadedGuests {
protected:
    static std::vector<Interface> on(std::initializer_list<std::string_view> bridges) {
        std::vector<Interface> interfaces;
        for (const auto bridge : bridges) interfaces.push_back({named<definitions::BridgeName>(bridge), {}, {}});
        return interfaces;
    }
    void give(std::initializer_list<std::string_view> bridges) {
        ASSERT_TRUE(definitions->set_interfaces(named<VmName>("dvm"), on(bridges)));
    }
    [[nodiscard]] std::vector<std::string> addresses(const VmName& vm) const {
        const auto domain = machines->info(vm).value().domain.value();
        const auto description = domain_xml::read_description(host().hypervisor()->description(domain).value()).value();
        std::vector<std::string> all;
        for (const auto& each : description.interfaces) all.push_back(each.mac.value().str());
        return all;
    }
};

TEST_F(PreloadedGuestsNetworks, AreTheTemplatesWhenOneIsHandedOut) {
    give({"lan", "side"});
    preloading_->begin();
    const auto first = ready_one();
    ASSERT_TRUE(first);
    EXPECT_EQ(guests_of("lan"), 1U);
    EXPECT_EQ(guests_of("side"), 1U);
    EXPECT_EQ(guests_of("wan"), 0U);
    const auto macs = addresses(*first);
    ASSERT_EQ(macs.size(), 2U);

    // One moves, the other goes. The guest asked around before it was paused, and has not moved since.
    give({"wan"});
    const Wiretap lan("lan");
    const Wiretap side("side");
    const Wiretap wan("wan");
    ASSERT_EQ(request(), first);
    EXPECT_EQ(guests_of("lan"), 0U);
    EXPECT_TRUE(wan.hears(macs[0], 60000)) << "it speaks where it is now";
    EXPECT_FALSE(lan.hears(macs[0], 0));
    EXPECT_FALSE(side.hears(macs[1], 0)) << "its link is down";
    EXPECT_EQ(definitions->find(*first).value().interfaces, on({"wan"}));
    // It lets go of the other.
    EXPECT_TRUE(eventually([&] { return guests_of("side") == 0; }));

    // The next is made with what the template has. One that lacks is plugged in.
    const auto second = ready_one(first);
    ASSERT_TRUE(second);
    EXPECT_EQ(addresses(*second).size(), 1U);
    give({"wan", "side"});
    ASSERT_EQ(request(), second);
    const auto now = addresses(*second);
    ASSERT_EQ(now.size(), 2U);
    EXPECT_TRUE(says(second->str(), "interface eth1 " + now[1]));
    EXPECT_TRUE(side.hears(now[1], 60000));
}

// The bridge is not there: nobody gets one that is half on its old network.
TEST_F(PreloadedGuestsNetworks, OneThatCannotHaveThemIsNotHandedOut) {
    give({"lan"});
    preloading_->begin();
    const auto first = ready_one();
    ASSERT_TRUE(first);
    const auto macs = addresses(*first);
    give({"nowhere"});
    const Wiretap lan("lan");
    EXPECT_EQ(request(), std::nullopt) << "a cold start";
    EXPECT_TRUE(goes(*first));
    EXPECT_FALSE(lan.hears(macs.at(0), 0));
    EXPECT_EQ(guests_of("lan"), 0U);
}

}  // namespace
}  // namespace varve::libvirt_test
