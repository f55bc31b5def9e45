// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_xml/domain_type.h"

namespace varve::domain_xml {

std::string_view name_of(DomainType type) {
    switch (type) {
        case DomainType::Qemu: return "qemu";
        case DomainType::Kvm: return "kvm";
        case DomainType::Xen: return "xen";
        case DomainType::Test: return "test";
    }
    return "";
}

}  // namespace varve::domain_xml
