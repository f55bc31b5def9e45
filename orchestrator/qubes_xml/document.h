// SPDX-License-Identifier: LGPL-2.1-or-later
// What the qubes.xml of Qubes OS R4 says of pools, VMs and volumes, as text that nobody has judged yet. Pure.
#pragma once

#include "drivers/settings/mistakes.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace varve::qubes_xml {

using Attributes = std::map<std::string, std::string, std::less<>>;

struct PoolElement {
    std::size_t line = 0;
    std::string name;
    std::string driver;
    Attributes attributes;  // these two among them
};

struct VolumeElement {
    std::size_t line = 0;
    Attributes attributes;

    // Empty when it is absent.
    [[nodiscard]] std::string_view value(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return attributes.find(name) != attributes.end(); }
};

struct Domain {
    std::size_t line = 0;
    std::string klass;          // "TemplateVM", "AppVM", "StandaloneVM", "DispVM", ...
    std::string name;           // not empty
    std::string template_name;  // empty for VMs without one
    bool auto_cleanup = false;  // removed by Qubes when it has shut down
    std::vector<VolumeElement> volumes;
};

struct Document {
    std::vector<PoolElement> pools;  // no two of one name
    std::vector<Domain> domains;     // those with volumes; no two of one name
};

// Larger files, and elements nested deeper than a qubes.xml has them, are refused.
inline constexpr std::size_t largest_document = std::size_t{16} << 20;
inline constexpr int deepest_element = 32;

// All mistakes that can be told without knowing which pool is meant; at least one when there is no document. A DOCTYPE is one: nothing is ever expanded
// or fetched.
[[nodiscard]] tl::expected<Document, std::vector<settings::Mistake>> read_document(std::string_view text);

}  // namespace varve::qubes_xml
