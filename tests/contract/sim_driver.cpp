// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/sim/sim.h"
#include "tests/contract/contract_test.h"

namespace varve::contract {
namespace {

class SimPlace final : public Place {
public:
    base::Result<std::unique_ptr<api::Pool>> open(api::StateIds& ids, const base::Clock& clock, const kernel::BootId& boot,
                                                  api::RevisionsToKeep revisions_to_keep) override {
        return sim::open({revisions_to_keep, {}}, disk_, ids, clock, boot);
    }
    std::optional<std::filesystem::path> directory(const base::VmName& /*vm*/) const override { return {}; }

private:
    std::shared_ptr<sim::Disk> disk_ = sim::make_disk();
};

const Driver sim_driver{"sim", []() -> base::Result<std::unique_ptr<Place>> { return std::make_unique<SimPlace>(); }};
const auto sim_name = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(Sim, ContractTest, testing::Values(sim_driver), sim_name);
INSTANTIATE_TEST_SUITE_P(Sim, EphemeralContractTest, testing::Values(sim_driver), sim_name);

}  // namespace
}  // namespace varve::contract
