// SPDX-License-Identifier: LGPL-2.1-or-later
// An existing domain of libvirt's becomes a VM, in stages. The orchestrator knows the domain and takes the definition; the disks are read with the
// caller's own rights.
#pragma once

#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/domain_adoption/copies.h"
#include "orchestrator/domain_adoption/open_disk.h"
#include "orchestrator/domain_adoption/plan.h"

#include <string>
#include <vector>

namespace varve::cli {

struct ForeignDomain {
    std::string name;  // hostile, as all of it
    std::string uuid;
    std::string hypervisor;
    std::string xml;
    std::int64_t snapshots = 0;
};

struct PlannedAdoption {
    ForeignDomain domain;
    domain_adoption::Plan plan;
    std::vector<domain_adoption::OpenDisk> disks;  // of plan.disks, in their order; no QEMU writes to them meanwhile
};

class DomainAdopter {
public:
    // `domain` is a name or a UUID. All outlive this.
    DomainAdopter(const OrchestratorContext& context, std::string domain, domain_adoption::Wish wish)
        : context_(context), domain_(std::move(domain)), wish_(std::move(wish)) {}

    // Changes nothing. Busy: the domain runs, or its disks alone are not its state. Exists: the VM's name is taken.
    [[nodiscard]] base::Result<PlannedAdoption> plan() const;
    // What fails leaves nothing. But when all that fails is that the domain cannot be undefined, the VM stays.
    [[nodiscard]] base::Result<> carry_out(const PlannedAdoption& planned) const;

private:
    template <class Body>
    auto stage(std::string_view name, Body body) const -> decltype(body());
    [[nodiscard]] base::Result<ForeignDomain> find(const std::string& domain) const;
    [[nodiscard]] base::Result<> check_name(const ForeignDomain& domain, const base::VmName& vm) const;
    [[nodiscard]] base::Result<std::vector<domain_adoption::OpenDisk>> open_disks(const domain_adoption::Plan& plan) const;
    [[nodiscard]] base::Result<> copy(domain_adoption::Copies& copies, const PlannedAdoption& planned) const;
    [[nodiscard]] base::Result<> define(domain_adoption::Copies& copies, const PlannedAdoption& planned) const;
    [[nodiscard]] nlohmann::json about(const std::string& domain) const;

    const OrchestratorContext& context_;
    std::string domain_;
    domain_adoption::Wish wish_;
};

}  // namespace varve::cli
