// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/hypervisor/domain_identity.h"

#include "orchestrator/hypervisor/libvirt_errors.h"

#include <array>

namespace varve::hypervisor {

base::Result<definitions::Uuid> uuid_of(virDomainPtr domain) {
    std::array<char, VIR_UUID_STRING_BUFLEN> text{};
    if (::virDomainGetUUIDString(domain, text.data()) < 0) return libvirt_failure("cannot read the UUID of a domain");
    auto uuid = definitions::Uuid::parse(text.data());
    if (!uuid) return base::fail(base::Errc::Corrupt, "libvirt gives a domain the UUID '" + std::string(text.data()) + "'");
    return uuid;
}

std::string name_of(virDomainPtr domain) {
    const char* const name = ::virDomainGetName(domain);
    return name == nullptr ? std::string() : std::string(name);
}

}  // namespace varve::hypervisor
