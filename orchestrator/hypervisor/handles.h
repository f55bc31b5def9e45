// SPDX-License-Identifier: LGPL-2.1-or-later
// Owners of libvirt's references and strings.
#pragma once

#include <libvirt/libvirt.h>

#include <cstdlib>
#include <memory>
#include <type_traits>

namespace varve::hypervisor {

struct FreeDomain {
    void operator()(virDomainPtr domain) const { (void)::virDomainFree(domain); }  // drops a reference: cannot fail for a valid one
};
struct FreeText {
    void operator()(char* text) const { std::free(text); }
};

using DomainHandle = std::unique_ptr<std::remove_pointer_t<virDomainPtr>, FreeDomain>;
using Text = std::unique_ptr<char, FreeText>;
// Each user keeps the connection open until its call has returned.
using ConnectionHandle = std::shared_ptr<std::remove_pointer_t<virConnectPtr>>;

}  // namespace varve::hypervisor
