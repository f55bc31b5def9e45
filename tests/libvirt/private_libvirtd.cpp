// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/libvirt/private_libvirtd.h"

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <utility>

namespace varve::libvirt_test {
namespace {

const std::filesystem::path socket_path = "/run/libvirt/libvirt-sock";

bool answers() {
    const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path.native().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

base::Result<> PrivateLibvirtd::cover_machine(const std::filesystem::path& directory) {
    for (const auto& [own, theirs] :
         {std::pair{"run", "/run/libvirt"}, std::pair{"lib", "/var/lib/libvirt"}, std::pair{"etc", "/etc/libvirt"},
          std::pair{"log", "/var/log/libvirt"}, std::pair{"cache", "/var/cache/libvirt"}}) {
        std::filesystem::create_directories(directory / own);
        std::filesystem::create_directories(theirs);
        if (::mount((directory / own).c_str(), theirs, nullptr, MS_BIND, nullptr) != 0)
            return base::fail_errno(errno, std::string("cannot cover ") + theirs);
    }
    std::ofstream(directory / "etc" / "libvirtd.conf") << "unix_sock_group = \"root\"\nauth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\n";
    std::ofstream(directory / "etc" / "qemu.conf") << "remember_owner = 0\nsecurity_driver = \"none\"\n"
                                                      "cgroup_controllers = [ ]\nnamespaces = [ ]\nstdio_handler = \"file\"\n";
    return {};
}

void PrivateLibvirtd::start() {
    process_ = std::make_unique<tests::Process>(
        std::vector<std::string>{"/usr/sbin/libvirtd", "--config", "/etc/libvirt/libvirtd.conf", "--pid-file", directory_ / "pid"},
        directory_ / "daemon.log");
    EXPECT_TRUE(test_support::eventually([this] { return answers(); })) << "libvirtd does not come:\n" << log();
}

void PrivateLibvirtd::end(int signal) {
    if (process_) (void)process_->end(signal);
    process_.reset();
}

std::string PrivateLibvirtd::log() const {
    std::ostringstream text;
    text << std::ifstream(directory_ / "daemon.log").rdbuf();
    return text.str();
}

}  // namespace varve::libvirt_test
