// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_xml/mark.h"

#include <pugixml.hpp>

namespace varve::domain_xml {

std::optional<base::VmName> marked_vm(std::string_view element) {
    pugi::xml_document document;
    if (!document.load_buffer(element.data(), element.size())) return {};
    // libvirt leaves the prefix out.
    std::string_view name = document.document_element().name();
    if (const auto colon = name.find(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
    if (name != mark_element) return {};
    const auto vm = base::VmName::parse(document.document_element().attribute("name").value());
    if (!vm) return {};
    return *vm;
}

}  // namespace varve::domain_xml
