// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/contract/pool_place.h"

#include <cerrno>
#include <cstdlib>

namespace varve::contract {
namespace {

using test_support::FileSystemType;

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

}  // namespace

base::Result<std::filesystem::path> new_pool_directory(FileSystemType type) {
    const auto& filesystem = mounted(type);
    if (!filesystem) return base::Failure(filesystem.error());
    auto directory = (filesystem->path() / "pool-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) return base::fail_errno(errno, "cannot make a directory for the pool");
    return std::filesystem::path(directory);
}

std::optional<std::filesystem::path> directory_of_vm(const std::filesystem::path& pool, const std::string& vm) {
    for (const auto* kind : {"appvms", "vm-templates"})
        if (std::filesystem::exists(pool / kind / vm)) return pool / kind / vm;
    return {};
}

}  // namespace varve::contract
