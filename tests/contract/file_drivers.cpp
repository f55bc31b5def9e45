// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver file needs device-mapper: its suites, File and FileOnXfs, run in a guest (tests/guest/file).
#include "drivers/file/file.h"
#include "drivers/kernel/posix_filesystem.h"
#include "tests/contract/contract_test.h"
#include "tests/contract/kernel_devices.h"
#include "tests/contract/pool_place.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <string>

namespace varve::contract {
namespace {

using test_support::FileSystemType;

class FilePlace final : public Place {
public:
    explicit FilePlace(std::filesystem::path directory) : directory_(std::move(directory)) {}
    ~FilePlace() override {
        kernel_devices_.remove_all(directory_);
        std::error_code ignored;  // the file system itself goes at the end
        std::filesystem::remove_all(directory_, ignored);
    }

    base::Result<std::unique_ptr<api::Pool>> open(api::StateIds& ids, const base::Clock& clock, const kernel::BootId& boot,
                                                  api::RevisionsToKeep revisions_to_keep) override {
        const file::Settings settings{base::PoolName::parse("pool").value(), directory_,
                                      ephemeral::pool_identity("file", directory_.string()), revisions_to_keep};
        auto pool = TRY(file::open(settings, {files_, kernel_devices_.mapper(), kernel_devices_.loops()}, ids, clock, log_, boot));
        return kernel_devices_.with_ephemeral_volumes(std::move(pool), "file", clock, log_);
    }

    void reboot() override { kernel_devices_.remove_all(directory_); }

    std::optional<std::filesystem::path> directory(const base::VmName& vm) const override { return directory_of_vm(directory_, vm.str()); }

private:
    std::filesystem::path directory_;
    kernel::PosixFileSystem files_;
    KernelDevices kernel_devices_;
    spdlog::logger log_{"contract", std::make_shared<spdlog::sinks::null_sink_mt>()};
};

Driver driver(FileSystemType type) {
    const auto make = [type]() -> base::Result<std::unique_ptr<Place>> {
        return std::make_unique<FilePlace>(TRY(new_pool_directory(type)));
    };
    return {"file", make};
}

const auto name_of_driver = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(File, ContractTest, testing::Values(driver(FileSystemType::Ext4)), name_of_driver);
INSTANTIATE_TEST_SUITE_P(File, EphemeralContractTest, testing::Values(driver(FileSystemType::Ext4)), name_of_driver);
INSTANTIATE_TEST_SUITE_P(File, FileContractTest, testing::Values(driver(FileSystemType::Ext4)), name_of_driver);
INSTANTIATE_TEST_SUITE_P(FileOnXfs, ContractTest, testing::Values(driver(FileSystemType::Xfs)), name_of_driver);
INSTANTIATE_TEST_SUITE_P(FileOnXfs, FileContractTest, testing::Values(driver(FileSystemType::Xfs)), name_of_driver);

}  // namespace
}  // namespace varve::contract
