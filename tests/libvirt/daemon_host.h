// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole of it: varvefs, libvirt's daemon and varve-orchestrator as processes, each of which can be killed, and real guests.
#pragma once

#include "orchestrator/hypervisor/libvirt_hypervisor.h"
#include "tests/libvirt/private_libvirtd.h"
#include "tests/orchestrator/running.h"
#include "tests/support/varve_daemon.h"
#include "tests/support/waiting.h"

#include <optional>
#include <string>

namespace varve::libvirt_test {

using test_support::eventually;

inline constexpr std::chrono::seconds guest_patience{120};

// Made once for the process. The test asks libvirt itself by a connection of its own.
struct DaemonHost {
    PrivateLibvirtd* libvirtd = nullptr;
    test_support::VarveDaemon* varvefs = nullptr;
    hypervisor::Hypervisor* hypervisor = nullptr;
    std::filesystem::path disk;  // for pools
};

// An orchestrator, and a pool of its own for each test.
class DaemonTest : public tests::RunningOrchestrator {
public:
    static inline DaemonHost host;

protected:
    void SetUp() override;
    void TearDown() override;  // ends all guests

    [[nodiscard]] std::filesystem::path mountpoint() const override { return host.varvefs->mountpoint(); }
    [[nodiscard]] std::string hypervisor() const override { return "qemu:///system"; }

    // A VM whose only volume, `data`, is 16 MiB large; `job` is what its guest does (vm-init). It counts as running at once.
    void define(const std::string& name, const std::string& job, const std::string& more = "class = \"standalone\"\n");
    nlohmann::json must(const std::string& method, const nlohmann::json& params);

    [[nodiscard]] std::string state(const std::string& vm) { return must("vm.info", {{"vm", vm}})["state"].get<std::string>(); }
    [[nodiscard]] bool comes_to(const std::string& vm, const std::string& wanted);
    // Of libvirt; none: there is no domain of that name.
    [[nodiscard]] static std::optional<hypervisor::Domain> domain(const std::string& vm);
    // The second sector without its zeros: of the committed state, and of what the guest has now.
    [[nodiscard]] std::string committed(const std::string& vm) const;
    [[nodiscard]] std::string written(const std::string& vm) const;
    [[nodiscard]] std::string control(const std::string& vm, const std::string& file) const;

    std::string pool_;
};

}  // namespace varve::libvirt_test
