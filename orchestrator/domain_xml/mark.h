// SPDX-License-Identifier: LGPL-2.1-or-later
// How a domain says that it is ours, and whose it is: one element in its <metadata>.
#pragma once

#include "drivers/base/names.h"

#include <optional>
#include <string_view>

namespace varve::domain_xml {

inline constexpr const char* mark_namespace = "https://varve-project.org/domain/1";
inline constexpr const char* mark_prefix = "varve";
inline constexpr const char* mark_element = "vm";

// The VM that the element, as libvirt gives it, names; none when it is no such element or the name is not legal.
[[nodiscard]] std::optional<base::VmName> marked_vm(std::string_view element);

}  // namespace varve::domain_xml
