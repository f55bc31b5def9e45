// SPDX-License-Identifier: LGPL-2.1-or-later
// The texts of a definition that have a grammar: each exists only when it is legal.
#pragma once

#include "drivers/base/names.h"

#include <string_view>

namespace varve::definitions {

struct UuidRules {
    static base::Result<> check(std::string_view text);
};
struct MacAddressRules {
    static base::Result<> check(std::string_view text);
};
struct HypervisorUriRules {
    static base::Result<> check(std::string_view text);
};
struct TargetNameRules {
    static base::Result<> check(std::string_view text);
};
struct NetworkNameRules {
    static base::Result<> check(std::string_view text);
};
struct BridgeNameRules {
    static base::Result<> check(std::string_view text);
};
struct IpAddressRules {
    static base::Result<> check(std::string_view text);
};
struct TagRules {
    static base::Result<> check(std::string_view text);
};
struct FeatureRules {
    static base::Result<> check(std::string_view text);
};
struct TextLineRules {
    static base::Result<> check(std::string_view text);
};

using Uuid = base::Name<UuidRules>;                    // 8-4-4-4-12 lower-case hexadecimal digits, not all zero
using MacAddress = base::Name<MacAddressRules>;        // 52:54:00:12:34:56, lower case, of one station (not multicast)
using HypervisorUri = base::Name<HypervisorUriRules>;  // libvirt's: qemu:///system, xen:///system, test:///default...
using TargetName = base::Name<TargetNameRules>;        // what the guest's disk is called: vda, xvdb, sdc, hda
using NetworkName = base::Name<NetworkNameRules>;      // of libvirt: [A-Za-z0-9][A-Za-z0-9_.-]{0,63}
using BridgeName = base::Name<BridgeNameRules>;        // a network interface of the host: up to 15 bytes (IFNAMSIZ)
using IpAddress = base::Name<IpAddressRules>;          // IPv4 or IPv6, without a prefix length
using Tag = base::Name<TagRules>;                      // [A-Za-z0-9][A-Za-z0-9_.-]{0,63}
using Feature = base::Name<FeatureRules>;              // the same grammar: what a feature is called
using TextLine = base::Name<TextLineRules>;            // 0 to 2048 bytes of UTF-8 without control characters

// A random one (RFC 4122, version 4).
[[nodiscard]] base::Result<Uuid> random_uuid();

}  // namespace varve::definitions
