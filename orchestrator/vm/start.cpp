// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/start.h"

#include "orchestrator/domain_xml/build.h"
#include "orchestrator/mount_client/files.h"
#include "orchestrator/vm/foreign_disk.h"
#include "orchestrator/vm/readiness.h"
#include "orchestrator/vm/sessions.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

namespace varve::vm {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using Phase = SessionRecord::Phase;

// Of `features`: "tcg" runs a guest without the processor's help.
constexpr std::string_view accelerator_feature = "accelerator";

bool wants_emulation(const definitions::VmDefinition& vm) {
    return std::ranges::any_of(
        vm.features, [](const auto& feature) { return feature.first.str() == accelerator_feature && feature.second.str() == "tcg"; });
}

Result<std::string> read_template(const std::filesystem::path& file) {
    const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return base::fail_errno(errno, "cannot open the domain template '" + file.string() + "'");
    auto text = mount_client::read_to_end(fd.get(), domain_xml::largest_template);
    if (!text) return base::Failure(base::with_context(std::move(text).error(), "the domain template '" + file.string() + "'"));
    return text;
}

}  // namespace

Result<> Start::prepare() {
    const auto existing = hypervisor_.find_name(vm_.name.str());
    if (existing && existing->vm != vm_.name)
        return fail(Errc::Exists, "a domain called " + vm_.name.str() + " is defined at '" + hypervisor_.uri() +
                                      "' already, and it is not Varve's: rename or undefine it");
    if (existing) return fail(Errc::Busy, "its domain " + existing->uuid.str() + " exists at '" + hypervisor_.uri() + "'");
    if (existing.error().code != Errc::NotFound) return base::Failure(existing.error());
    earlier_ = TRY(world_.records.find(vm_.name));
    // Its end could not be finished when it came.
    if (earlier_) TRY(end_session(world_.storage, *earlier_));
    return discard_leftovers(world_.storage, vm_);
}

Result<> Start::run() {
    auto outcome = stages_or_unwind();
    memory_.reset();  // its guest has it now, or is no more
    return outcome;
}

Result<> Start::stages_or_unwind() {
    auto outcome = stages();
    if (outcome) return {};
    const auto unwound = unwind();
    if (unwound) return outcome;
    auto error = std::move(outcome).error();
    error.context += "; and it could not be undone: " + unwound.error().message();
    return base::Failure(std::move(error));
}

Result<> Start::stages() {
    TRY(stages_.run(Stage::Verify, [this] { return verify(); }));
    TRY(stages_.run(Stage::Memory, [this] { return reserve_memory(); }));
    TRY(stages_.run(Stage::Volumes, [this] { return start_all_volumes(); }));
    TRY(stages_.run(Stage::Create, [this] { return create(); }));
    TRY(stages_.run(Stage::Resume, [this] { return resume(); }));
    return stages_.run(Stage::Readiness, [this]() -> Result<> {
        TRY(wait_until_ready(vm_.readiness, claim_, hypervisor_, console_log(), world_.xen_keys));
        return note(Phase::Running);
    });
}

Result<> Start::note(Phase phase) { return world_.records.put({vm_.name, phase, hypervisor_.uri(), volumes_}); }

Result<> Start::verify() {
    const bool waits_for_key = std::holds_alternative<definitions::XenstoreReady>(vm_.readiness.signal);
    if (waits_for_key && TRY(hypervisor_.domain_type()) != domain_xml::DomainType::Xen)
        return fail(Errc::InvalidArgument, vm_.name.str() +
                                               " is ready when its guest says so in xenstore, which only Xen has, and it runs at '" +
                                               hypervisor_.uri() + "'; give it another readiness");
    volumes_ = TRY(plan_volumes(world_.storage, vm_, earlier_));
    for (const auto& pool : pools_of(vm_)) {
        auto found = TRY(world_.storage.verify(pool, vm_.name));
        findings_.insert(findings_.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
    }
    return {};
}

Result<> Start::reserve_memory() {
    const auto deadline = std::chrono::steady_clock::now() + world_.settings.patience;
    memory_ = TRY(world_.memory.promise(hypervisor_, vm_.name, vm_.memory.initial, deadline));
    return {};
}

Result<> Start::start_all_volumes() {
    volumes_begun_ = true;
    TRY(note(Phase::Starting));
    attachables_ = TRY(start_volumes(world_.storage, volumes_));
    return {};
}

Result<std::vector<domain_xml::WantedDisk>> Start::disks() {
    std::vector<domain_xml::WantedDisk> disks;
    disks.reserve(volumes_.size());
    for (std::size_t index = 0; index < volumes_.size(); ++index) {
        const bool rw = vm_.volumes[index].rw && TRY(world_.storage.look(volumes_[index].volume)).rw;
        disks.push_back({vm_.volumes[index].target, attachables_[index].path, attachables_[index].kind, !rw});
    }
    for (const auto& device : vm_.devices) {
        const auto* const block = std::get_if<definitions::BlockAttachment>(&device);
        if (block == nullptr) continue;
        const auto attachable = TRY(foreign_disk(world_.storage, block->path, block->rw));
        disks.push_back({block->target, attachable.path, attachable.kind, !block->rw});
    }
    return disks;
}

Result<std::string> Start::build_xml() {
    auto type = TRY(hypervisor_.domain_type());
    if (type == domain_xml::DomainType::Kvm && wants_emulation(vm_)) type = domain_xml::DomainType::Qemu;
    const auto wanted = TRY(disks());
    std::string own;
    domain_xml::Inputs inputs{.vm = vm_, .type = type, .disks = wanted};
    if (vm_.domain_xml) {
        own = TRY(read_template(*vm_.domain_xml));
        inputs.own_template = own;
    }
    if (std::holds_alternative<definitions::SerialLineReady>(vm_.readiness.signal)) inputs.console_log = console_log();
    return domain_xml::build(inputs);
}

Result<> Start::create() {
    // What an earlier guest said must not count.
    (void)::unlink(console_log().c_str());  // mostly there is none; one that stays is overwritten
    const auto xml = TRY(build_xml());
    domain_begun_ = true;
    const auto domain = TRY(hypervisor_.create_paused(xml));
    claim_.set_domain(domain.uuid);
    if (TRY(hypervisor_.domain_type()) != domain_xml::DomainType::Xen) return {};
    memory_.reset();  // on Xen a domain has all of it from its beginning; elsewhere a guest takes it as it boots
    return world_.xen_keys.publish(domain, vm_);
}

Result<> Start::resume() {
    const auto domain = claim_.domain();
    if (!domain) return fail(Errc::NotFound, "the domain has gone");
    TRY(note(Phase::Resuming));
    // The point of no return for what the volumes hold: from here on they may have the guest's data, which is kept.
    executed_ = true;
    return hypervisor_.resume(*domain);
}

Result<> Start::unwind() {
    if (domain_begun_) {
        auto destroyed = unwind_domain();
        may_have_domain_ = !destroyed;
        if (!destroyed) return destroyed;
    }
    if (volumes_begun_) TRY(unwind_volumes());
    return {};
}

Result<> Start::unwind_domain() {
    // A creation that failed may have come through all the same, when the connection broke.
    const auto domain = hypervisor_.find_name(vm_.name.str());
    if (domain && domain->vm == vm_.name) {
        auto destroyed = hypervisor_.destroy(domain->uuid);
        if (!destroyed && destroyed.error().code != Errc::NotFound) return destroyed;
        stages_.undone(Stage::Create, "the domain was destroyed");
    } else if (!domain && domain.error().code != Errc::NotFound) {
        return base::Failure(domain.error());
    }
    claim_.set_domain({});
    return {};
}

Result<> Start::unwind_volumes() {
    if (executed_) {
        (void)TRY(stop_volumes(world_.storage, volumes_));
        stages_.undone(Stage::Volumes, "the volumes were stopped: the guest had run, so what it wrote is kept");
        return world_.records.remove(vm_.name);
    }
    TRY(drop_session(world_.storage, world_.records, {vm_.name, Phase::Starting, hypervisor_.uri(), volumes_}));
    stages_.undone(Stage::Volumes, "the volumes are as they were");
    return {};
}

}  // namespace varve::vm
