// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_xml/interface.h"

#include "drivers/base/overloaded.h"

#include <pugixml.hpp>

#include <sstream>
#include <string_view>
#include <utility>

namespace varve::domain_xml {
namespace {

using definitions::BridgeName;
using definitions::InterfaceSource;
using definitions::MacAddress;
using definitions::NetworkName;

// A network whose guests sit on a bridge of the host has both attributes: the network is what the definition named.
std::optional<InterfaceSource> source_of(pugi::xml_node source) {
    if (const auto network = source.attribute("network")) {
        auto name = NetworkName::parse(network.value());
        return name ? std::optional<InterfaceSource>(*std::move(name)) : std::nullopt;
    }
    auto name = BridgeName::parse(source.attribute("bridge").value());
    return name ? std::optional<InterfaceSource>(*std::move(name)) : std::nullopt;
}

}  // namespace

void append_interface(pugi::xml_node& devices, const definitions::Interface& interface, DomainType type, Link link) {
    auto node = devices.append_child("interface");
    std::visit(base::Overloaded{[&](const NetworkName& network) {
                                    node.append_attribute("type") = "network";
                                    node.append_child("source").append_attribute("network") = network.str().c_str();
                                },
                                [&](const BridgeName& bridge) {
                                    node.append_attribute("type") = "bridge";
                                    node.append_child("source").append_attribute("bridge") = bridge.str().c_str();
                                }},
               interface.source);
    if (interface.mac) node.append_child("mac").append_attribute("address") = interface.mac->str().c_str();
    if (is_qemu(type)) node.append_child("model").append_attribute("type") = "virtio";
    if (link == Link::Down) node.append_child("link").append_attribute("state") = "down";
}

std::string interface_xml(const definitions::Interface& interface, DomainType type, Link link) {
    pugi::xml_document document;
    append_interface(document, interface, type, link);
    std::ostringstream text;
    document.save(text, "  ", pugi::format_default | pugi::format_no_declaration);
    return std::move(text).str();
}

LiveInterface read_interface(pugi::xml_node node) {
    auto mac = MacAddress::parse(node.child("mac").attribute("address").value());
    const bool down = std::string_view(node.child("link").attribute("state").value()) == "down";
    return {source_of(node.child("source")), mac ? std::optional(*std::move(mac)) : std::nullopt,
            node.child("alias").attribute("name").value(), down ? Link::Down : Link::Up};
}

}  // namespace varve::domain_xml
