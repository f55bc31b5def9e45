// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_adoption/plan.h"

#include "orchestrator/definitions/definition_text.h"
#include "orchestrator/domain_adoption/parts.h"
#include "orchestrator/mount_client/reference.h"

namespace varve::domain_adoption {
namespace {

using base::VmName;
using definitions::VmDefinition;
using mount_client::shown;

std::optional<VmName> name_in(pugi::xml_node domain, const Wish& wish, Reading& reading) {
    const auto name = domain.child("name");
    if (wish.name) {
        if (text_of(name) == wish.name->str()) reading.take(name);
        reading.leave(name, "--name gives the VM another");
        return wish.name;
    }
    reading.take(name);
    auto own = VmName::parse(text_of(name));
    if (own) return *own;
    reading.problem("its name '" + shown(text_of(name)) + "' is none for a VM (" + own.error().message() + "): --name gives it another");
    return std::nullopt;
}

void read_identity(pugi::xml_node domain, const Wish& wish, Reading& reading, VmDefinition& vm) {
    const auto uuid = domain.child("uuid");
    if (wish.takes_over) {
        reading.take(uuid);
        vm.uuid = reading.check("its UUID '" + shown(text_of(uuid)) + "'", definitions::Uuid::parse(text_of(uuid)));
    }
    reading.leave(uuid, "a copy beside its original has one of its own");
    reading.leave(domain.child("genid"), "the VM gets a new one at each start");
    reading.leave(domain.child("cpu"), "under KVM the VM has the host's processor; a domain template of its own can say more (domain_xml)");
    const auto type = value_of(domain, "type");
    if (type != "kvm" && type != "qemu" && type != "xen" && type != "test")
        return reading.problem("it is of the type '" + shown(type) + "': kvm, qemu and xen are adopted");
    reading.take(domain, {"type", "id"});
    // It may be so for a reason; where there is no KVM it changes nothing.
    if (type == "qemu") {
        const auto key = definitions::Feature::parse("accelerator");
        const auto value = definitions::TextLine::parse("tcg");
        if (key && value) vm.features.emplace(*key, *value);
    }
}

}  // namespace

tl::expected<Plan, std::vector<std::string>> make_plan(std::string_view xml, const Wish& wish) {
    pugi::xml_document document;
    if (auto fault = load(document, xml); !fault.empty()) return tl::unexpected(std::vector{"its description cannot be used: " + fault});
    const auto domain = document.document_element();
    Reading reading;
    const auto name = name_in(domain, wish, reading);
    if (!name) return tl::unexpected(reading.problems());
    Plan plan{std::string(text_of(domain.child("name"))), {.name = *name, .vm_class = definitions::StandaloneVm{}}, {}, {}};
    plan.vm.hypervisor = wish.hypervisor;
    read_identity(domain, wish, reading, plan.vm);
    read_size(domain, reading, plan.vm);
    read_boot(domain, reading, plan.vm);
    read_disks(domain, wish, reading, plan);
    read_devices(domain, wish, reading, plan.vm);
    if (!reading.problems().empty()) return tl::unexpected(reading.problems());
    // What a definition may be is for its own rules to say.
    if (const auto checked = definitions::from_table(plan.vm.name, definitions::to_table(plan.vm)); !checked)
        return tl::unexpected(std::vector{"the definition that it would have is refused: " + settings::in_one_line(checked.error())});
    plan.left_out = reading.left_out(domain);
    return plan;
}

}  // namespace varve::domain_adoption
