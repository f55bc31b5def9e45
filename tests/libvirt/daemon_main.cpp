// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/libvirt/bridges.h"
#include "tests/libvirt/daemon_host.h"
#include "tests/libvirt/machine.h"
#include "tests/support/loop_filesystem.h"
#include "tests/support/private_processes.h"

#include <sys/stat.h>

#include <csignal>

using varve::libvirt_test::DaemonTest;
using varve::libvirt_test::KeptAnswers;
using varve::libvirt_test::PrivateLibvirtd;
using varve::test_support::FileSystemType;
using varve::test_support::LoopFileSystem;

namespace {

int run(const std::filesystem::path& directory) {
    const KeptAnswers answers(directory / "cache");
    auto filesystem = LoopFileSystem::make(FileSystemType::Xfs, {std::uint64_t{1} << 30});
    if (!filesystem) {
        std::cerr << filesystem.error().message() << "\n";
        return 1;
    }
    varve::test_support::VarveDaemon varvefs({filesystem->path() / "varvefs", {}, "24h", true});
    if (!varvefs.start()) return 1;
    PrivateLibvirtd libvirtd(directory);
    libvirtd.start();
    const auto loop = varve::hypervisor::EventLoop::start().value();
    const auto hypervisor = varve::hypervisor::make_libvirt_hypervisor("qemu:///system", *loop);
    if (!varve::test_support::eventually([&] { return hypervisor->domains().has_value(); })) {
        std::cerr << libvirtd.log();
        return 1;
    }
    DaemonTest::host = {&libvirtd, &varvefs, hypervisor.get(), filesystem->path()};
    const int status = RUN_ALL_TESTS();
    libvirtd.end(SIGTERM);
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    (void)std::signal(SIGPIPE, SIG_IGN);  // as whoever uses libvirt has to; cannot fail for this signal
    std::string directory = (std::filesystem::temp_directory_path() / "varve-libvirtd-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr || ::chmod(directory.c_str(), 0755) != 0) return 1;
    for (const auto& step : {varve::test_support::enter_private_processes(), varve::libvirt_test::enter_private_network(),
                             PrivateLibvirtd::cover_machine(directory)})
        if (!step) {
            std::cerr << "these tests need root: " << step.error().message() << "\n";
            return 1;
        }
    if (!varve::libvirt_test::have_qemu_user(directory) || !varve::libvirt_test::without_kvm(directory)) {
        std::cerr << "cannot have a user libvirt-qemu, or no KVM, here\n";
        return 1;
    }
    const int status = run(directory);
    std::error_code ignored;  // leftovers in a temporary directory hurt nobody
    std::filesystem::remove_all(directory, ignored);
    return status;
}
