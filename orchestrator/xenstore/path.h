// SPDX-License-Identifier: LGPL-2.1-or-later
// Paths of xenstore, as Xen's docs/misc/xenstore.txt has them.
#pragma once

#include "drivers/base/names.h"

#include <compare>
#include <cstdint>
#include <string_view>

namespace varve::xenstore {

// A domain's number while it runs; used again for others later.
struct DomainId {
    std::uint16_t value = 0;
    friend auto operator<=>(DomainId, DomainId) = default;
};
inline constexpr DomainId control_domain{0};
inline constexpr std::uint16_t first_reserved_domain = 0x7ff0;  // DOMID_FIRST_RESERVED in xen.h

struct PathRules {
    static base::Result<> check(std::string_view text);
};
struct KeyRules {
    static base::Result<> check(std::string_view text);
};

using Path = base::Name<PathRules>;  // absolute: "/" and then [A-Za-z0-9_@-]+ parted by "/", at most 3,072 bytes
using Key = base::Name<KeyRules>;    // one part of a path, at most 256 bytes

[[nodiscard]] base::Result<Path> below(const Path& path, const Key& key);
// /local/domain/<id>; InvalidArgument for a reserved number.
[[nodiscard]] base::Result<Path> home_of(DomainId domain);
// The path itself, or a path under it.
[[nodiscard]] bool is_at_or_below(const Path& path, const Path& ancestor);

}  // namespace varve::xenstore
