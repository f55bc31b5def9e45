// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace varve::domain_xml {

// What runs a domain: the `type` of libvirt's <domain>.
enum class DomainType {
    Qemu,  // emulated
    Kvm,
    Xen,
    Test,  // libvirt's test driver
};

[[nodiscard]] constexpr bool is_qemu(DomainType type) { return type == DomainType::Qemu || type == DomainType::Kvm; }

// "qemu", "kvm", "xen", "test".
[[nodiscard]] std::string_view name_of(DomainType type);

}  // namespace varve::domain_xml
