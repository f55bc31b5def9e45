// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver callback around sim, with a program that has nothing against anything.
#include "drivers/callback/callback.h"
#include "drivers/sim/sim.h"
#include "tests/contract/contract_test.h"
#include "tests/fakes/fake_hook_runner.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

namespace varve::contract {
namespace {

class CallbackPlace final : public Place {
public:
    base::Result<std::unique_ptr<api::Pool>> open(api::StateIds& ids, const base::Clock& clock, const kernel::BootId& boot,
                                                  api::RevisionsToKeep revisions_to_keep) override {
        auto moments = TRY(callback::parse_moments("setup create start stop remove resize import export"));
        const callback::Settings settings{.name = base::PoolName::parse("pool").value(),
                                          .driver = "sim",
                                          .program = "/hook",
                                          .moments = std::move(moments)};
        return callback::open(
            settings, std::make_unique<fakes::FakeHookRunner>(history_),
            [&]() -> base::Result<std::unique_ptr<api::Pool>> {
                return sim::open({revisions_to_keep, {}}, disk_, ids, clock, boot);
            },
            log_);
    }
    std::optional<std::filesystem::path> directory(const base::VmName& /*vm*/) const override { return {}; }

private:
    fakes::HookHistory history_;
    spdlog::logger log_{"contract", std::make_shared<spdlog::sinks::null_sink_mt>()};
    std::shared_ptr<sim::Disk> disk_ = sim::make_disk();
};

const Driver callback_driver{"callback", []() -> base::Result<std::unique_ptr<Place>> { return std::make_unique<CallbackPlace>(); }};
const auto callback_name = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(Callback, ContractTest, testing::Values(callback_driver), callback_name);
INSTANTIATE_TEST_SUITE_P(Callback, EphemeralContractTest, testing::Values(callback_driver), callback_name);

}  // namespace
}  // namespace varve::contract
