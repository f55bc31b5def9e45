// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver lvm_thin over a thin pool in memory; tests/guest/lvm_thin has the real one.
#include "drivers/lvm_thin/lvm_thin.h"
#include "tests/contract/contract_test.h"
#include "tests/fakes/fake_lvm.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

namespace varve::contract {
namespace {

class FakeThinPlace final : public Place {
public:
    base::Result<std::unique_ptr<api::Pool>> open(api::StateIds& ids, const base::Clock& clock, const kernel::BootId& boot,
                                                  api::RevisionsToKeep revisions_to_keep) override {
        const lvm_thin::Settings settings{base::PoolName::parse("pool").value(), "vg", fakes::FakeLvm::pool, revisions_to_keep};
        return lvm_thin::open(settings, std::make_unique<fakes::FakeLvm>(disk_), ids, clock, log_, boot);
    }
    void reboot() override { disk_->reboot(); }
    std::optional<std::filesystem::path> directory(const base::VmName& /*vm*/) const override { return {}; }

private:
    std::shared_ptr<fakes::FakeThinDisk> disk_ = std::make_shared<fakes::FakeThinDisk>();
    spdlog::logger log_{"contract", std::make_shared<spdlog::sinks::null_sink_mt>()};
};

const Driver fake_driver{"lvm_thin", []() -> base::Result<std::unique_ptr<Place>> { return std::make_unique<FakeThinPlace>(); }};
const auto fake_name = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(LvmThinFake, ContractTest, testing::Values(fake_driver), fake_name);

}  // namespace
}  // namespace varve::contract
