// SPDX-License-Identifier: LGPL-2.1-or-later
// The contract suite on LVM itself.
#include "drivers/kernel/libdevmapper.h"
#include "drivers/lvm_thin/lvm_library.h"
#include "drivers/lvm_thin/lvm_thin.h"
#include "tests/contract/contract_test.h"
#include "tests/guest/lvm_thin/volume_group.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

namespace varve::contract {
namespace {

class LvmPlace final : public Place {
public:
    ~LvmPlace() override { EXPECT_TRUE(succeeded(guest::empty_thin_pool())); }

    base::Result<std::unique_ptr<api::Pool>> open(api::StateIds& ids, const base::Clock& clock, const kernel::BootId& boot,
                                                  api::RevisionsToKeep revisions_to_keep) override {
        const lvm_thin::Settings settings{base::PoolName::parse("pool").value(), guest::volume_group, guest::thin_pool, revisions_to_keep};
        auto lvm =
            std::make_unique<lvm_thin::LvmLibrary>(lvm_thin::LvmPlace{guest::volume_group, guest::thin_pool, VARVE_LVM_WORKER}, mapper_);
        return lvm_thin::open(settings, std::move(lvm), ids, clock, log_, boot);
    }
    void reboot() override { EXPECT_TRUE(succeeded(guest::reactivate())); }
    std::optional<std::filesystem::path> directory(const base::VmName& /*vm*/) const override { return {}; }

private:
    kernel::LibDeviceMapper mapper_;
    spdlog::logger log_{"contract", std::make_shared<spdlog::sinks::null_sink_mt>()};
};

const Driver lvm_driver{"lvm_thin", []() -> base::Result<std::unique_ptr<Place>> {
                            TRY(guest::make_volume_group());
                            return std::make_unique<LvmPlace>();
                        }};
const auto lvm_name = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(LvmThin, ContractTest, testing::Values(lvm_driver), lvm_name);

}  // namespace
}  // namespace varve::contract
