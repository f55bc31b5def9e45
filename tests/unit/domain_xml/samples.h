// SPDX-License-Identifier: LGPL-2.1-or-later
// Definitions that between them have everything a description can hold.
#pragma once

#include "orchestrator/definitions/vm_definition.h"
#include "orchestrator/domain_xml/disk.h"

#include <string>
#include <string_view>
#include <vector>

namespace varve::domain_xml {

// The value of a Result that must hold one.
template <class T>
T valid(base::Result<T> result) {
    return std::move(result).value();
}

template <class Name>
Name named(std::string_view text) {
    return valid(Name::parse(text));
}

// Only what every definition has.
[[nodiscard]] definitions::VmDefinition plain_vm(std::string_view name);
// Kernel boot, an interface of each kind, host devices.
[[nodiscard]] definitions::VmDefinition full_vm(std::string_view name);
// A file, a block device, and a file that only may be read.
[[nodiscard]] std::vector<WantedDisk> three_disks();

}  // namespace varve::domain_xml
