// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/domain_adopter.h"

#include "orchestrator/cli/progress.h"
#include "orchestrator/definitions/definition_text.h"
#include "orchestrator/mount_client/json_fields.h"
#include "orchestrator/mount_client/reference.h"

#include <sys/stat.h>

#include <cerrno>

namespace varve::cli {

using base::Errc;
using base::fail;
using base::Result;
using domain_adoption::Copies;
using domain_adoption::OpenDisk;
using domain_adoption::Plan;
using mount_client::text_field;
using nlohmann::json;

namespace {

Result<ForeignDomain> foreign_domain(const json& info) {
    const auto snapshots = mount_client::number_field(info, "snapshots", 0, UINT32_MAX).value_or(0);
    return ForeignDomain{text_field(info, "name"), text_field(info, "uuid"), text_field(info, "hypervisor"), text_field(info, "xml"),
                         snapshots};
}

// What its disks hold is what it is.
Result<> check_state(const json& info) {
    const auto name = mount_client::shown(text_field(info, "name"));
    if (const auto vm = text_field(info, "vm"); !vm.empty()) return fail(Errc::Exists, "the domain " + name + " is the VM " + vm + "'s");
    if (const auto state = text_field(info, "state"); state != "defined")
        return fail(Errc::Busy, "the domain " + name + " is " + state + ": shut it down first ('virsh shutdown " + name + "')");
    if (mount_client::flag_field(info, "saved"))
        return fail(Errc::Busy, "the domain " + name +
                                    " was saved with its memory, without which its disks are as after a power cut: start it and "
                                    "shut it down, or give the memory up ('virsh managedsave-remove " +
                                    name + "')");
    return {};
}

std::string all_of(const std::vector<std::string>& problems) {
    std::string text;
    for (const auto& problem : problems) text += (text.empty() ? "" : "; ") + problem;
    return text;
}

// Whether the orchestrator has said no, and not only nothing.
bool is_refusal(Errc code) { return code != Errc::Io && code != Errc::TimedOut && code != Errc::Corrupt; }

// Media that stay where they are have to be there at each start.
Result<> check_media(const definitions::VmDefinition& vm) {
    for (const auto& device : vm.devices) {
        const auto* const medium = std::get_if<definitions::BlockAttachment>(&device);
        struct stat status {};
        if (medium != nullptr && ::stat(medium->path.c_str(), &status) != 0)
            return base::fail_errno(
                errno, "cannot look at the medium '" + mount_client::shown(medium->path.native()) + "' (--skip leaves it out)");
    }
    return {};
}

}  // namespace

template <class Body>
auto DomainAdopter::stage(std::string_view name, Body body) const -> decltype(body()) {
    auto outcome = body();
    if (outcome) return outcome;
    return base::Failure(base::with_context(
        std::move(outcome).error(), "adopting " + mount_client::shown(domain_) + " failed at the stage '" + std::string(name) + "'"));
}

json DomainAdopter::about(const std::string& domain) const {
    json params{{"domain", domain}};
    if (wish_.hypervisor) params["hypervisor"] = wish_.hypervisor->str();
    return params;
}

Result<ForeignDomain> DomainAdopter::find(const std::string& domain) const {
    const auto info = TRY(context_.call("domain.info", about(domain)));
    TRY(check_state(info));
    if (wish_.takes_over && mount_client::number_field(info, "snapshots", 0, 0) != 0)
        return fail(Errc::Busy,
                    "the domain " + mount_client::shown(text_field(info, "name")) +
                        " has snapshots, of which libvirt would forget: delete them ('virsh snapshot-delete'), or leave --undefine out");
    return foreign_domain(info);
}

// A VM cannot start beside a domain of its name.
Result<> DomainAdopter::check_name(const ForeignDomain& domain, const base::VmName& vm) const {
    const auto taken = context_.call("vm.info", {{"vm", vm.str()}});
    if (taken) return fail(Errc::Exists, "there is a VM '" + vm.str() + "' already: --name gives another name");
    if (taken.error().code != Errc::NotFound) return base::Failure(taken.error());
    const auto other = context_.call("domain.info", about(vm.str()));
    if (!other && other.error().code != Errc::NotFound) return base::Failure(other.error());
    if (!other || (wish_.takes_over && text_field(*other, "uuid") == domain.uuid)) return {};
    return fail(Errc::Exists,
                "a domain called " + vm.str() + " is defined at '" + domain.hypervisor +
                    "', beside which a VM of that name cannot start: --name gives the VM another" +
                    (text_field(*other, "uuid") == domain.uuid ? ", or --undefine takes the domain away once its disks are copied" : ""));
}

Result<std::vector<OpenDisk>> DomainAdopter::open_disks(const Plan& plan) const {
    std::vector<OpenDisk> open;
    open.reserve(plan.disks.size());
    for (const auto& disk : plan.disks) {
        auto file = domain_adoption::open_disk(disk, context_.world.interrupted);
        if (!file) return base::Failure(base::with_context(std::move(file).error(), "its disk " + mount_client::shown(disk.target)));
        open.push_back(*std::move(file));
    }
    TRY(check_media(plan.vm));
    return open;
}

Result<PlannedAdoption> DomainAdopter::plan() const {
    auto domain = TRY(stage("domain", [&] { return find(domain_); }));
    auto plan = TRY(stage("plan", [&]() -> Result<Plan> {
        auto made = domain_adoption::make_plan(domain.xml, wish_);
        if (!made) return fail(Errc::InvalidArgument, all_of(made.error()));
        TRY(check_name(domain, made->vm.name));
        return *std::move(made);
    }));
    auto disks = TRY(stage("disks", [&] { return open_disks(plan); }));
    return PlannedAdoption{std::move(domain), std::move(plan), std::move(disks)};
}

Result<> DomainAdopter::copy(Copies& copies, const PlannedAdoption& planned) const {
    for (std::size_t index = 0; index < planned.disks.size(); ++index) {
        Progress progress(context_.world.err, context_.output.progress_style());
        TRY(copies.copy(planned.disks[index], planned.plan.disks[index], observer_of(progress, context_.world)));
    }
    // Somebody may have started it meanwhile, or changed which disks it has.
    const auto now = TRY(find(planned.domain.uuid));
    if (now.xml != planned.domain.xml) return fail(Errc::Busy, "the domain's definition has been changed while its disks were copied");
    // Started and shut down again, where the file system has no locks; or by a program that looks at none.
    for (const auto& disk : planned.disks) TRY(domain_adoption::check_unchanged(disk));
    return {};
}

Result<> DomainAdopter::define(Copies& copies, const PlannedAdoption& planned) const {
    if (context_.world.interrupted && context_.world.interrupted()) return fail(Errc::Interrupted, "interrupted; nothing was changed");
    TRY(copies.install());
    // From here on an interrupt waits: a definition of which nobody knows whether it is there could not be undone.
    context_.client.set_interrupted({});
    const auto& vm = planned.plan.vm;
    auto created = context_.call("vm.create", {{"vm", vm.name.str()}, {"toml", definitions::to_toml(vm)}});
    if (!created && is_refusal(created.error().code)) return base::Failure(std::move(created).error());
    // The answer did not come through; what it was can be asked for where the connection still works.
    const auto known = created ? Result<json>(json()) : context_.call("vm.info", {{"vm", vm.name.str()}});
    if (!known && known.error().code == Errc::NotFound) return base::Failure(std::move(created).error());
    copies.keep();
    if (known) return {};
    return base::Failure(base::with_context(std::move(created).error(), "it is not known whether the VM was defined ('varve vm info " +
                                                                            vm.name.str() + "' tells), so its volumes were kept"));
}

Result<> DomainAdopter::carry_out(const PlannedAdoption& planned) const {
    const auto& vm = planned.plan.vm.name;
    {
        auto copies = TRY(stage("copy", [&] { return Copies::begin(*context_.mount, wish_.pool, vm); }));
        TRY(stage("copy", [&] { return copy(copies, planned); }));
        TRY(stage("define", [&] { return define(copies, planned); }));
    }
    if (!wish_.takes_over) return {};
    return stage("undefine", [&]() -> Result<> {
        auto undefined = context_.call("domain.undefine", about(planned.domain.uuid));
        if (undefined) return {};
        return base::Failure(
            base::with_context(std::move(undefined).error(),
                               "the VM " + vm.str() + " is there, but cannot start before its domain has gone ('virsh undefine')"));
    });
}

}  // namespace varve::cli
