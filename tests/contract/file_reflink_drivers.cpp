// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/file_reflink.h"
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

class FileReflinkPlace final : public Place {
public:
    FileReflinkPlace(std::filesystem::path directory, bool setup_check) : directory_(std::move(directory)), setup_check_(setup_check) {}
    ~FileReflinkPlace() override {
        kernel_devices_.remove_all(directory_);
        std::error_code ignored;  // the file system itself goes at the end
        std::filesystem::remove_all(directory_, ignored);
    }

    base::Result<std::unique_ptr<api::Pool>> open(api::StateIds& ids, const base::Clock& clock, const kernel::BootId& boot,
                                                  api::RevisionsToKeep revisions_to_keep) override {
        const file_reflink::Settings settings{base::PoolName::parse("pool").value(), directory_, setup_check_, revisions_to_keep};
        auto pool = TRY(file_reflink::open(settings, files_, ids, clock, log_, boot));
        return kernel_devices_.with_ephemeral_volumes(std::move(pool), "file-reflink", clock, log_);
    }

    void reboot() override { kernel_devices_.remove_all(directory_); }

    std::optional<std::filesystem::path> directory(const base::VmName& vm) const override { return directory_of_vm(directory_, vm.str()); }

private:
    std::filesystem::path directory_;
    bool setup_check_;
    kernel::PosixFileSystem files_;
    KernelDevices kernel_devices_;
    spdlog::logger log_{"contract", std::make_shared<spdlog::sinks::null_sink_mt>()};
};

base::Result<std::unique_ptr<Place>> make_place(FileSystemType type) {
    return std::make_unique<FileReflinkPlace>(TRY(new_pool_directory(type)), type != FileSystemType::Ext4);
}

Driver driver(std::string name, FileSystemType type) {
    return {std::move(name), [type] { return make_place(type); }};
}

const auto driver_name = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(Xfs, ContractTest, testing::Values(driver("file_reflink", FileSystemType::Xfs)), driver_name);
INSTANTIATE_TEST_SUITE_P(Btrfs, ContractTest, testing::Values(driver("file_reflink", FileSystemType::Btrfs)), driver_name);
INSTANTIATE_TEST_SUITE_P(Ext4, ContractTest, testing::Values(driver("file_reflink_copying", FileSystemType::Ext4)), driver_name);
INSTANTIATE_TEST_SUITE_P(Xfs, EphemeralContractTest, testing::Values(driver("file_reflink", FileSystemType::Xfs)), driver_name);
INSTANTIATE_TEST_SUITE_P(Btrfs, EphemeralContractTest, testing::Values(driver("file_reflink", FileSystemType::Btrfs)), driver_name);
INSTANTIATE_TEST_SUITE_P(Ext4, EphemeralContractTest, testing::Values(driver("file_reflink_copying", FileSystemType::Ext4)), driver_name);
INSTANTIATE_TEST_SUITE_P(Xfs, FileContractTest, testing::Values(driver("file_reflink", FileSystemType::Xfs)), driver_name);
INSTANTIATE_TEST_SUITE_P(Btrfs, FileContractTest, testing::Values(driver("file_reflink", FileSystemType::Btrfs)), driver_name);
INSTANTIATE_TEST_SUITE_P(Ext4, FileContractTest, testing::Values(driver("file_reflink_copying", FileSystemType::Ext4)), driver_name);

}  // namespace
}  // namespace varve::contract
