// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_adoption/reading.h"

#include "orchestrator/mount_client/reference.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace varve::domain_adoption {
namespace {

constexpr int deepest_element = 32;
constexpr std::string_view blanks = " \t\r\n";

// Walks without recursion.
class Guard final : public pugi::xml_tree_walker {
public:
    bool for_each(pugi::xml_node& node) override {
        if (node.type() == pugi::node_doctype) fault_ = "it has a DOCTYPE, which libvirt never writes";
        if (depth() >= deepest_element) fault_ = "its elements are nested deeper than " + std::to_string(deepest_element);
        return fault_.empty();
    }
    [[nodiscard]] const std::string& fault() const { return fault_; }

private:
    std::string fault_;
};

constexpr std::string_view of_libvirt = "libvirt makes what the VM needs of it";
constexpr std::string_view of_a_template = "no key of a definition says it; a domain template of one's own can (domain_xml in varve-vm(5))";

std::string_view general_reason(std::string_view element) {
    constexpr std::array own{"address", "alias", "emulator", "controller"};
    return std::ranges::find(own, element) != own.end() ? of_libvirt : of_a_template;
}

}  // namespace

std::string load(pugi::xml_document& document, std::string_view xml) {
    if (xml.size() > largest_description) return "it is longer than 1 MiB";
    // The parser ends its strings with NUL, so that one in the text would cut what it stands in.
    if (xml.find('\0') != std::string_view::npos) return "it holds a NUL byte";
    const auto parsed = document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_utf8);
    if (!parsed) return "it is no XML: " + std::string(parsed.description()) + " at byte " + std::to_string(parsed.offset);
    Guard guard;
    (void)document.traverse(guard);
    if (!guard.fault().empty()) return guard.fault();
    if (std::string_view(document.document_element().name()) != "domain") return "it is not a <domain>";
    return {};
}

// Depth is bounded by load().
class Reading::Walk {
public:
    explicit Walk(const Reading& reading) : reading_(reading) {}

    void element(pugi::xml_node node, const std::string& path) {
        const auto taken = reading_.taken_.find(node.internal_object());
        if (taken == reading_.taken_.end()) return add(node, "", path, general_reason(node.name()));
        for (const auto attribute : node.attributes()) {
            const std::string_view name = attribute.name();
            if (!taken->second.contains(name) && !name.starts_with("xmlns"))
                add(node, std::string(name), path + "/@" + mount_client::shown(name), of_a_template);
        }
        children(node, path);
    }

    std::vector<LeftOut> take() {
        if (more_ > 0) found_.push_back({"...", std::to_string(more_) + " more"});
        return std::move(found_);
    }

private:
    void children(pugi::xml_node node, const std::string& path) {
        std::map<std::string_view, std::size_t> of_name;
        for (const auto child : node.children()) ++of_name[child.name()];
        std::map<std::string_view, std::size_t> index;
        for (const auto child : node.children()) {
            if (child.type() != pugi::node_element) continue;
            const std::string_view name = child.name();
            auto below = path + "/" + mount_client::shown(name);
            if (of_name[name] > 1) below += "[" + std::to_string(++index[name]) + "]";
            element(child, below);
        }
    }

    void add(pugi::xml_node node, const std::string& attribute, std::string path, std::string_view general) {
        if (found_.size() == most_left_out) {
            ++more_;
            return;
        }
        const auto reason = reading_.reasons_.find({node.internal_object(), attribute});
        found_.push_back({std::move(path), reason == reading_.reasons_.end() ? std::string(general) : reason->second});
    }

    const Reading& reading_;
    std::vector<LeftOut> found_;
    std::size_t more_ = 0;
};

void Reading::take(pugi::xml_node node, std::initializer_list<std::string_view> attributes) {
    if (!node.empty()) taken_[node.internal_object()].insert(attributes);
}

void Reading::leave(pugi::xml_node node, std::string why) { reasons_[{node.internal_object(), ""}] = std::move(why); }

void Reading::leave(pugi::xml_node node, std::string_view attribute, std::string why) {
    reasons_[{node.internal_object(), std::string(attribute)}] = std::move(why);
}

std::vector<LeftOut> Reading::left_out(pugi::xml_node domain) const {
    Walk walk(*this);
    walk.element(domain, "/domain");
    return walk.take();
}

std::string_view text_of(pugi::xml_node node) {
    std::string_view text = node.child_value();
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

std::string_view value_of(pugi::xml_node node, const char* attribute) { return node.attribute(attribute).value(); }

std::optional<std::uint64_t> number_in(std::string_view text, std::uint64_t most) {
    const bool hexadecimal = text.starts_with("0x");
    if (hexadecimal) text.remove_prefix(2);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, hexadecimal ? 16 : 10);
    if (error != std::errc() || end != text.data() + text.size() || number > most) return std::nullopt;
    return number;
}

}  // namespace varve::domain_adoption
