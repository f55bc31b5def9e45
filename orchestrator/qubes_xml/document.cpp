// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/qubes_xml/document.h"

#include <pugixml.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace varve::qubes_xml {
namespace {

using settings::Mistakes;

// Where the parser's offsets are, for people.
class Lines {
public:
    explicit Lines(std::string_view text) {
        for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) ends_.push_back(at);
    }
    [[nodiscard]] std::size_t at(std::ptrdiff_t offset) const {
        if (offset < 0) return 0;
        return static_cast<std::size_t>(std::ranges::lower_bound(ends_, static_cast<std::size_t>(offset)) - ends_.begin()) + 1;
    }

private:
    std::vector<std::size_t> ends_;
};

// The parser expands no entities of a DOCTYPE, but a file that has one is none that Qubes wrote. It walks without recursion.
class Guard final : public pugi::xml_tree_walker {
public:
    bool for_each(pugi::xml_node& node) override {
        if (node.type() == pugi::node_doctype)
            fault_ = "a DOCTYPE is refused: Qubes writes none";
        else if (depth() >= deepest_element)
            fault_ = "elements are nested deeper than " + std::to_string(deepest_element);
        else
            return true;
        offset_ = node.offset_debug();
        return false;
    }
    [[nodiscard]] const std::string& fault() const { return fault_; }
    [[nodiscard]] std::ptrdiff_t offset() const { return offset_; }

private:
    std::string fault_;
    std::ptrdiff_t offset_ = -1;
};

class Reader {
public:
    explicit Reader(std::string_view text) : lines_(text) {}

    [[nodiscard]] std::size_t line_of(pugi::xml_node node) const { return lines_.at(node.offset_debug()); }
    [[nodiscard]] std::size_t line_at(std::ptrdiff_t offset) const { return lines_.at(offset); }

    Document read(pugi::xml_node root) {
        Document document;
        for (const auto pool : only_child(root, "pools").children("pool")) read_pool(pool, document);
        const auto domains = only_child(root, "domains");
        if (domains.empty()) mistakes.add(line_of(root), "there is no element 'domains': this is no complete qubes.xml");
        for (const auto domain : domains.children("domain")) read_domain(domain, document);
        return document;
    }

    Mistakes mistakes;

private:
    // An empty node when there is none.
    pugi::xml_node only_child(pugi::xml_node parent, const char* name) {
        const auto first = parent.child(name);
        if (const auto second = first.next_sibling(name); !second.empty())
            mistakes.add(line_of(second), std::string("a second element '") + name + "'");
        return first;
    }

    Attributes attributes_of(pugi::xml_node node) {
        Attributes attributes;
        for (const auto attribute : node.attributes())
            if (!attributes.emplace(attribute.name(), attribute.value()).second)
                mistakes.add(line_of(node), std::string("the attribute '") + attribute.name() + "' is there twice");
        return attributes;
    }

    void read_pool(pugi::xml_node node, Document& document) {
        PoolElement pool{line_of(node), node.attribute("name").value(), node.attribute("driver").value(), attributes_of(node)};
        if (pool.name.empty() || pool.driver.empty()) {
            mistakes.add(pool.line, "a pool without a name or a driver");
        } else if (!pools_.insert(pool.name).second) {
            mistakes.add(pool.line, "a second pool '" + pool.name + "'");
        } else {
            document.pools.push_back(std::move(pool));
        }
    }

    void read_domain(pugi::xml_node node, Document& document) {
        Domain domain{line_of(node), node.attribute("class").value(), {}, {}, false, {}};
        for (const auto property : only_child(node, "properties").children("property")) {
            const std::string_view name = property.attribute("name").value();
            const std::string value = property.child_value();
            if (name == "name") domain.name = value;
            if (name == "template") domain.template_name = value;
            if (name == "auto_cleanup") domain.auto_cleanup = value == "True";
        }
        for (const auto volume : only_child(node, "volume-config").children("volume"))
            domain.volumes.push_back({line_of(volume), attributes_of(volume)});
        if (domain.volumes.empty()) return;  // dom0
        if (domain.name.empty()) {
            mistakes.add(domain.line, "a VM without a name");
        } else if (!domains_.insert(domain.name).second) {
            mistakes.add(domain.line, "a second VM '" + domain.name + "'");
        } else {
            document.domains.push_back(std::move(domain));
        }
    }

    Lines lines_;
    std::set<std::string> pools_;
    std::set<std::string> domains_;
};

tl::unexpected<std::vector<settings::Mistake>> only(std::size_t line, std::string what) {
    return tl::unexpected(std::vector<settings::Mistake>{{line, std::move(what)}});
}

// What is wrong with the file as a whole, with its line; an empty text: nothing.
settings::Mistake fault_of(pugi::xml_document& document, const Reader& reader) {
    Guard guard;
    (void)document.traverse(guard);
    if (!guard.fault().empty()) return {reader.line_at(guard.offset()), guard.fault()};
    const auto root = document.document_element();
    const std::string_view name = root.name();
    if (name == "QubesVmCollection")
        return {reader.line_of(root), "this is the qubes.xml of Qubes OS R3 or older; only R4's tells of volumes"};
    if (name != "qubes") return {reader.line_of(root), "the outermost element is not 'qubes': this is no qubes.xml"};
    for (auto next = root.next_sibling(); !next.empty(); next = next.next_sibling())
        if (next.type() == pugi::node_element) return {reader.line_of(next), "something follows the outermost element"};
    return {};
}

}  // namespace

std::string_view VolumeElement::value(std::string_view name) const {
    const auto found = attributes.find(name);
    return found == attributes.end() ? std::string_view() : std::string_view(found->second);
}

tl::expected<Document, std::vector<settings::Mistake>> read_document(std::string_view text) {
    if (text.size() > largest_document) return only(0, "it is larger than " + std::to_string(largest_document) + " bytes");
    // The parser ends its strings with NUL, so that one in the file would cut what it stands in.
    if (text.find('\0') != std::string_view::npos) return only(0, "it holds a NUL byte");
    Reader reader(text);
    pugi::xml_document xml;
    const auto parsed = xml.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_utf8);
    if (!parsed) return only(reader.line_at(parsed.offset), std::string("it is no XML: ") + parsed.description());
    if (auto fault = fault_of(xml, reader); !fault.what.empty()) return only(fault.line, std::move(fault.what));
    auto document = reader.read(xml.document_element());
    if (!reader.mistakes.none()) return tl::unexpected(reader.mistakes.take());
    return document;
}

}  // namespace varve::qubes_xml
