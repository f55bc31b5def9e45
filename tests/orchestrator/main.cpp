// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/orchestrator/mounted.h"
#include "tests/support/loop_filesystem.h"

int main(int argc, char** argv) {
    using namespace varve::test_support;
    ::testing::InitGoogleTest(&argc, argv);
    if (const auto entered = enter_private_mounts(); !entered) {
        std::cerr << "these tests need root: " << entered.error().message() << "\n";
        return 1;
    }
    auto filesystem = LoopFileSystem::make(FileSystemType::Xfs, {std::uint64_t{1} << 30});
    if (!filesystem) {
        std::cerr << filesystem.error().message() << "\n";
        return 1;
    }
    VarveDaemon daemon({filesystem->path() / "varvefs", {}, "24h", true});
    if (!daemon.start()) return 1;
    varve::tests::MountedOrchestrator::daemon = &daemon;
    varve::tests::MountedOrchestrator::disk = filesystem->path();
    return RUN_ALL_TESTS();
}
