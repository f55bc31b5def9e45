// SPDX-License-Identifier: LGPL-2.1-or-later
// The example of a driver in a shared object (contrib/driver) before sim, loaded as varvefs loads it, with a limit that nothing reaches.
#include "drivers/plugin/plugin.h"
#include "drivers/sim/sim.h"
#include "tests/contract/contract_test.h"

#include <utility>

namespace varve::contract {
namespace {

class LimitedHost final : public api::DriverHost {
public:
    LimitedHost(std::shared_ptr<sim::Disk> disk, api::StateIds& ids, const base::Clock& clock, kernel::BootId boot)
        : disk_(std::move(disk)), ids_(ids), clock_(clock), boot_(std::move(boot)) {}
    base::Result<> check_driver(const std::string& /*driver*/, const api::DriverSettings& /*settings*/) const override { return {}; }
    api::StateIds& state_ids() override { return ids_; }
    const base::Clock& clock() const override { return clock_; }
    std::string boot_id() const override { return boot_.text; }
    void log(std::string_view line) override { ADD_FAILURE() << line; }
    base::Result<std::unique_ptr<api::Pool>> open_driver(const std::string& driver, const api::DriverSettings& settings) const override {
        EXPECT_EQ(driver, "sim");
        return sim::open({settings.revisions_to_keep, {}}, disk_, ids_, clock_, boot_);
    }

private:
    std::shared_ptr<sim::Disk> disk_;
    api::StateIds& ids_;
    const base::Clock& clock_;
    const kernel::BootId boot_;
};

class LimitedPlace final : public Place {
public:
    base::Result<std::unique_ptr<api::Pool>> open(api::StateIds& ids, const base::Clock& clock, const kernel::BootId& boot,
                                                  api::RevisionsToKeep revisions_to_keep) override {
        const api::DriverSettings settings{base::PoolName::parse("pool").value(),
                                           {{"driver_below", "sim"}, {"largest", "8191P"}},
                                           revisions_to_keep};
        return plugin::open(LIMITED_DRIVER, settings, std::make_shared<LimitedHost>(disk_, ids, clock, boot));
    }
    std::optional<std::filesystem::path> directory(const base::VmName& /*vm*/) const override { return {}; }

private:
    std::shared_ptr<sim::Disk> disk_ = sim::make_disk();
};

const Driver limited_driver{"limited", []() -> base::Result<std::unique_ptr<Place>> { return std::make_unique<LimitedPlace>(); }};
const auto limited_name = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(Plugin, ContractTest, testing::Values(limited_driver), limited_name);
INSTANTIATE_TEST_SUITE_P(Plugin, EphemeralContractTest, testing::Values(limited_driver), limited_name);

}  // namespace
}  // namespace varve::contract
