// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/libvirt/bridges.h"
#include "tests/libvirt/host.h"

#include <pwd.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

using varve::libvirt_test::Host;
using varve::libvirt_test::LibvirtTest;
using varve::test_support::FileSystemType;
using varve::test_support::LoopFileSystem;

namespace {

// QEMU runs as libvirt-qemu, which Debian's libvirt-daemon-system makes: here it is in this process's mount table only.
bool have_qemu_user(const std::filesystem::path& directory) {
    if (::getpwnam("libvirt-qemu") != nullptr) return true;
    for (const auto& [file, line] :
         {std::pair{"passwd", "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin"}, std::pair{"group", "libvirt-qemu:x:64055:"}}) {
        const auto own = directory / file;
        const auto theirs = std::filesystem::path("/etc") / file;
        std::filesystem::copy_file(theirs, own);
        std::ofstream(own, std::ios::app) << line << "\n";
        if (::mount(own.c_str(), theirs.c_str(), nullptr, MS_BIND, nullptr) != 0) return false;
    }
    return ::getpwnam("libvirt-qemu") != nullptr;
}

// Where /dev/kvm is there but does not work, libvirt finds no KVM, believes itself outdated, and asks QEMU again at every step. Guests are
// emulated here anyway.
bool without_kvm(const std::filesystem::path& directory) {
    if (!std::filesystem::exists("/dev/kvm")) return true;
    const auto nothing = directory / "no-kvm";
    std::ofstream(nothing).flush();
    return ::chmod(nothing.c_str(), 0) == 0 && ::mount(nothing.c_str(), "/dev/kvm", nullptr, MS_BIND, nullptr) == 0;
}

// libvirt asks each QEMU of the machine what it can do, which takes a while: what it found is kept beside the guest's kernel.
const std::filesystem::path kept_answers = VM_DIRECTORY "/qemu-capabilities";

void copy_answers(const std::filesystem::path& from, const std::filesystem::path& to) {
    using std::filesystem::copy_options;
    std::error_code ignored;  // without them libvirt asks again
    std::filesystem::create_directories(to, ignored);
    std::filesystem::copy(from, to, copy_options::recursive | copy_options::update_existing, ignored);
}

}  // namespace

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    if (const auto entered = varve::test_support::enter_private_mounts(); !entered) {
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
    if (!have_qemu_user(directory) || !without_kvm(directory)) {
        std::cerr << "cannot have a user libvirt-qemu, or no KVM, here\n";
        return 1;
    }
    auto filesystem = LoopFileSystem::make(FileSystemType::Xfs, {std::uint64_t{1} << 30});
    if (!filesystem) {
        std::cerr << filesystem.error().message() << "\n";
        return 1;
    }
    const auto answers = std::filesystem::path(directory) / "libvirt" / "cache" / "qemu" / "capabilities";
    int status = 1;
    {
        copy_answers(kept_answers, answers);
        Host host(directory, "qemu:///embed?root=" + directory + "/libvirt", *std::move(filesystem));
        LibvirtTest::use(&host);
        status = RUN_ALL_TESTS();
    }
    copy_answers(answers, kept_answers);
    std::error_code ignored;  // leftovers in a temporary directory hurt nobody
    std::filesystem::remove_all(directory, ignored);
    return status;
}
