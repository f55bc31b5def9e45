// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_devices.h"

#include <pugixml.hpp>

#include <sstream>
#include <string_view>

namespace varve::fakes {

using base::Errc;
using base::fail;
using base::Result;

namespace {

class DomainText {
public:
    explicit DomainText(const std::string& xml) { (void)document_.load_string(xml.c_str()); }  // our own

    [[nodiscard]] pugi::xml_node devices() const { return document_.child("domain").child("devices"); }
    [[nodiscard]] std::string text() const {
        std::ostringstream text;
        document_.child("domain").print(text, "", pugi::format_raw);
        return std::move(text).str();
    }
    // What `wanted`, a <disk> or an <interface>, means; none: there is none such.
    [[nodiscard]] pugi::xml_node same(pugi::xml_node wanted) const {
        for (const auto node : devices().children(wanted.name()))
            if (identity(node) == identity(wanted)) return node;
        return {};
    }

private:
    static std::string identity(pugi::xml_node node) {
        const bool disk = std::string_view(node.name()) == "disk";
        return disk ? node.child("target").attribute("dev").value() : node.child("mac").attribute("address").value();
    }
    pugi::xml_document document_;
};

}  // namespace

std::string with_complete_interfaces(const std::string& domain, int& next) {
    const DomainText now(domain);
    for (auto interface : now.devices().children("interface")) {
        if (interface.child("alias")) continue;
        const int number = next++;
        interface.append_child("alias").append_attribute("name") = ("net" + std::to_string(number)).c_str();
        if (interface.child("mac")) continue;
        interface.append_child("mac").append_attribute("address") = ("52:54:00:00:00:" + std::to_string(10 + number % 90)).c_str();
    }
    return now.text();
}

Result<std::string> attached(const std::string& domain, const std::string& device) {
    const DomainText now(domain);
    pugi::xml_document wanted;
    if (!wanted.load_string(device.c_str())) return fail(Errc::InvalidArgument, "the device is not XML");
    if (!now.devices()) return fail(Errc::InvalidArgument, "the domain has no devices");
    now.devices().append_copy(wanted.document_element());
    return now.text();
}

Result<std::string> detached(const std::string& domain, const std::string& device) {
    const DomainText now(domain);
    pugi::xml_document wanted;
    (void)wanted.load_string(device.c_str());  // what is no XML is no device of the domain
    const auto found = now.same(wanted.document_element());
    if (!found) return fail(Errc::NotFound, "the domain has no such device");
    now.devices().remove_child(found);
    return now.text();
}

Result<std::string> updated(const std::string& domain, const std::string& interface) {
    const DomainText now(domain);
    pugi::xml_document wanted;
    (void)wanted.load_string(interface.c_str());
    auto found = now.same(wanted.document_element());
    if (!found) return fail(Errc::NotFound, "the domain has no such interface");
    for (const auto* part : {"source", "link"}) {
        found.remove_child(part);
        if (const auto node = wanted.document_element().child(part)) found.append_copy(node);
    }
    found.attribute("type") = wanted.document_element().attribute("type").value();
    return now.text();
}

std::string released(const std::string& domain, const std::string& alias) {
    const DomainText now(domain);
    for (const auto node : now.devices().children())
        if (alias == node.child("alias").attribute("name").value()) {
            now.devices().remove_child(node);
            break;
        }
    return now.text();
}

}  // namespace varve::fakes
