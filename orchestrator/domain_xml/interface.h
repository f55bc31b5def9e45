// SPDX-License-Identifier: LGPL-2.1-or-later
// The network interfaces of a domain.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/definitions/vm_definition.h"
#include "orchestrator/domain_xml/domain_type.h"

#include <optional>
#include <string>

namespace pugi {
class xml_node;
}

namespace varve::domain_xml {

// Without its link an interface carries nothing, whatever the guest does with it.
enum class Link { Up, Down };

// Of a domain that exists.
struct LiveInterface {
    std::optional<definitions::InterfaceSource> source;  // absent: of another kind than a definition can have
    std::optional<definitions::MacAddress> mac;
    std::string alias;  // the hypervisor's name of the device; empty: it gives none
    Link link = Link::Up;
};

void append_interface(pugi::xml_node& devices, const definitions::Interface& interface, DomainType type, Link link = Link::Up);
// The same by itself, to be attached, or to change the one of the same MAC address.
[[nodiscard]] std::string interface_xml(const definitions::Interface& interface, DomainType type, Link link = Link::Up);
// An <interface> of a domain's description.
[[nodiscard]] LiveInterface read_interface(pugi::xml_node node);

}  // namespace varve::domain_xml
