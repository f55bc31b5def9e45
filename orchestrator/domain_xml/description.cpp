// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_xml/description.h"

#include <pugixml.hpp>

#include <string>

namespace varve::domain_xml {
namespace {

constexpr std::string_view agent_channel = "org.qemu.guest_agent.0";

std::optional<std::filesystem::path> console_of(pugi::xml_node devices) {
    for (const auto* kind : {"serial", "console"})
        for (const auto node : devices.children(kind)) {
            const std::string_view path = node.child("source").attribute("path").value();
            if (std::string_view(node.attribute("type").value()) == "pty" && !path.empty()) return std::filesystem::path(path);
        }
    return {};
}

std::optional<Disk> read_disk(pugi::xml_node node) {
    auto target = definitions::TargetName::parse(node.child("target").attribute("dev").value());
    const auto source = node.child("source");
    const bool block = std::string_view(node.attribute("type").value()) == "block";
    const std::string path = source.attribute(block ? "dev" : "file").value();
    if (!target || path.empty()) return {};
    return Disk{std::move(*target), path, block ? SourceKind::BlockDevice : SourceKind::File, !node.child("readonly").empty()};
}

}  // namespace

base::Result<Description> read_description(std::string_view xml) {
    pugi::xml_document document;
    if (!document.load_buffer(xml.data(), xml.size()) || std::string_view(document.document_element().name()) != "domain")
        return base::fail(base::Errc::Corrupt, "the hypervisor's description of the domain cannot be read");
    const auto devices = document.document_element().child("devices");
    Description found;
    found.console = console_of(devices);
    for (const auto channel : devices.children("channel")) {
        const auto target = channel.child("target");
        if (agent_channel != target.attribute("name").value()) continue;
        found.agent_channel = true;
        found.agent_connected = std::string_view(target.attribute("state").value()) == "connected";
    }
    for (const auto node : devices.children("disk"))
        if (auto disk = read_disk(node)) found.disks.push_back(std::move(*disk));
    for (const auto node : devices.children("interface")) found.interfaces.push_back(read_interface(node));
    return found;
}

}  // namespace varve::domain_xml
