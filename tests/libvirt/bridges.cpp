// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/libvirt/bridges.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>

namespace varve::libvirt_test {

using base::Result;

Result<> enter_private_network() {
    if (::unshare(CLONE_NEWNET) != 0) return base::fail_errno(errno, "cannot have a network of my own");
    return {};
}

Result<> make_bridge(const std::string& name) {
    const base::UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    name.copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1);
    if (::ioctl(any.get(), SIOCBRADDBR, name.c_str()) != 0) return base::fail_errno(errno, "cannot make the bridge " + name);
    request.ifr_flags = IFF_UP;
    if (::ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) return base::fail_errno(errno, "cannot switch the bridge " + name + " on");
    return {};
}

std::size_t guests_of(const std::string& bridge) {
    // Of the network that the caller is in, which the machine's /sys need not show.
    const base::UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::array<int, 1024> ports{};
    std::array<unsigned long, 4> arguments{BRCTL_GET_PORT_LIST, reinterpret_cast<unsigned long>(ports.data()), ports.size(), 0};
    ifreq request{};
    bridge.copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(arguments.data());
    if (::ioctl(any.get(), SIOCDEVPRIVATE, &request) < 0) ADD_FAILURE() << "cannot list what is plugged into " << bridge;
    std::size_t count = 0;
    for (const int port : ports) count += port == 0 ? 0 : 1;
    return count;
}

Wiretap::Wiretap(const std::string& bridge) : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(bridge.c_str()));
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << bridge;
}

bool Wiretap::hears(const std::string& mac, int milliseconds) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
        pollfd wait{socket_.get(), POLLIN, 0};
        if (::poll(&wait, 1, static_cast<int>(left < 0 ? 0 : left)) <= 0) return false;
        std::array<unsigned char, 2048> frame{};
        if (::recv(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT) < ETH_HLEN) continue;
        std::array<char, 18> source{};
        (void)std::snprintf(source.data(), source.size(), "%02x:%02x:%02x:%02x:%02x:%02x", frame[6], frame[7], frame[8], frame[9],
                            frame[10], frame[11]);
        if (mac == source.data()) return true;
    }
}

}  // namespace varve::libvirt_test
