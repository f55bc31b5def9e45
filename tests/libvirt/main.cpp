// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/libvirt/bridges.h"
#include "tests/libvirt/host.h"
#include "tests/libvirt/machine.h"
#include "tests/support/private_processes.h"

#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

using varve::libvirt_test::Host;
using varve::libvirt_test::LibvirtTest;
using varve::test_support::FileSystemType;
using varve::test_support::LoopFileSystem;

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    (void)std::signal(SIGPIPE, SIG_IGN);  // as whoever uses libvirt has to; cannot fail for this signal
    if (const auto entered = varve::test_support::enter_private_processes(); !entered) {
        std::cerr << "these tests need root: " << entered.error().message() << "\n";
        return 1;
    }
    for (const auto& step : {varve::libvirt_test::enter_private_network(), varve::libvirt_test::make_bridge("lan"),
                             varve::libvirt_test::make_bridge("wan"), varve::libvirt_test::make_bridge("side")})
        if (!step) {
            std::cerr << step.error().message() << "\n";
            return 1;
        }
    auto directory = (std::filesystem::temp_directory_path() / "varve-libvirt-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr || ::chmod(directory.c_str(), 0755) != 0) return 1;
    if (!varve::libvirt_test::have_qemu_user(directory) || !varve::libvirt_test::without_kvm(directory)) {
        std::cerr << "cannot have a user libvirt-qemu, or no KVM, here\n";
        return 1;
    }
    auto filesystem = LoopFileSystem::make(FileSystemType::Xfs, {std::uint64_t{1} << 30});
    if (!filesystem) {
        std::cerr << filesystem.error().message() << "\n";
        return 1;
    }
    int status = 1;
    {
        const varve::libvirt_test::KeptAnswers answers(std::filesystem::path(directory) / "libvirt" / "cache");
        Host host(directory, "qemu:///embed?root=" + directory + "/libvirt", *std::move(filesystem));
        LibvirtTest::use(&host);
        status = RUN_ALL_TESTS();
    }
    std::error_code ignored;  // leftovers in a temporary directory hurt nobody
    std::filesystem::remove_all(directory, ignored);
    return status;
}
