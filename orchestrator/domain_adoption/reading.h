// SPDX-License-Identifier: LGPL-2.1-or-later
// A domain's XML while it is read: which parts of it have been understood, and what is wrong with it. Within this folder only.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/domain_adoption/plan.h"

#include <pugixml.hpp>

#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace varve::domain_adoption {

// Loads it without anything being expanded or fetched. What is wrong with it; empty: nothing.
[[nodiscard]] std::string load(pugi::xml_document& document, std::string_view xml);

// Nodes are of one document, which outlives this.
class Reading {
public:
    // The VM has the element, and these of its attributes. Elements in it are for themselves.
    void take(pugi::xml_node node, std::initializer_list<std::string_view> attributes = {});
    // Why the VM does not have it, or not so; otherwise the reason is a general one.
    void leave(pugi::xml_node node, std::string why);
    void leave(pugi::xml_node node, std::string_view attribute, std::string why);
    void problem(std::string what) { problems_.push_back(std::move(what)); }
    // The value; or nothing, and the error noted with `what` before it.
    template <class T>
    [[nodiscard]] std::optional<T> check(const std::string& what, base::Result<T> result) {
        if (result) return *std::move(result);
        problem(what + ": " + result.error().message());
        return std::nullopt;
    }

    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
    // What has not been taken: of an element that has not, it alone and nothing in it.
    [[nodiscard]] std::vector<LeftOut> left_out(pugi::xml_node domain) const;

private:
    class Walk;

    std::map<const void*, std::set<std::string_view>> taken_;             // the node, and its attributes
    std::map<std::pair<const void*, std::string>, std::string> reasons_;  // of a node, or of its attribute
    std::vector<std::string> problems_;
};

// The element's text without the blanks around it.
[[nodiscard]] std::string_view text_of(pugi::xml_node node);
// Empty when it is absent.
[[nodiscard]] std::string_view value_of(pugi::xml_node node, const char* attribute);
// A decimal number, or with 0x before it a hexadecimal one; nothing for anything else and what is greater than `most`.
[[nodiscard]] std::optional<std::uint64_t> number_in(std::string_view text, std::uint64_t most);

}  // namespace varve::domain_adoption
