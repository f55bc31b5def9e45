// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/file_reflink.h"
#include "drivers/kernel/posix_filesystem.h"
#include "tests/contract/contract_test.h"
#include "tests/contract/kernel_devices.h"
#include "tests/support/loop_filesystem.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <cerrno>
#include <cstdlib>
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

    std::optional<std::filesystem::path> directory(const base::VmName& vm) const override {
        for (const auto* kind : {"appvms", "vm-templates"})
            if (std::filesystem::exists(directory_ / kind / vm.str())) return directory_ / kind / vm.str();
        return {};
    }

private:
    std::filesystem::path directory_;
    bool setup_check_;
    kernel::PosixFileSystem files_;
    KernelDevices kernel_devices_;
    spdlog::logger log_{"contract", std::make_shared<spdlog::sinks::null_sink_mt>()};
};

// Mounted when first used, once in a process.
const base::Result<test_support::LoopFileSystem>& mounted(FileSystemType type) {
    constexpr base::Bytes size{std::uint64_t{2} << 30};
    switch (type) {
        case FileSystemType::Xfs: {
            static const auto xfs = test_support::LoopFileSystem::make(type, size);
            return xfs;
        }
        case FileSystemType::Btrfs: {
            static const auto btrfs = test_support::LoopFileSystem::make(type, size);
            return btrfs;
        }
        case FileSystemType::Ext4: break;
    }
    static const auto ext4 = test_support::LoopFileSystem::make(type, size);
    return ext4;
}

base::Result<std::unique_ptr<Place>> make_place(FileSystemType type) {
    const auto& filesystem = mounted(type);
    if (!filesystem) return base::Failure(filesystem.error());
    auto directory = (filesystem->path() / "pool-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) return base::fail_errno(errno, "cannot make a directory for the pool");
    return std::make_unique<FileReflinkPlace>(directory, type != FileSystemType::Ext4);
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
