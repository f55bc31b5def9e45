// SPDX-License-Identifier: LGPL-2.1-or-later
// The values of a definition's keys. All errors are InvalidArgument or InvalidName and say what was expected.
#pragma once

#include "drivers/settings/value.h"
#include "orchestrator/definitions/vm_definition.h"

#include <string>
#include <string_view>

namespace varve::definitions {

// Any of the checked names: a text that its parse() takes.
template <class Name>
[[nodiscard]] base::Result<Name> name_in(const settings::Value& value) {
    return Name::parse(TRY(settings::text_of(value, "a string")));
}

[[nodiscard]] base::Result<base::Bytes> memory_size(const settings::Value& value);  // least_memory to most_memory
[[nodiscard]] base::Result<std::uint32_t> vcpu_count(const settings::Value& value);
[[nodiscard]] base::Result<std::uint32_t> preload_count(const settings::Value& value);
[[nodiscard]] base::Result<RefillDelay> refill_delay(const settings::Value& value);  // "3s", 3, or a negative number
[[nodiscard]] base::Result<bool> switch_value(const settings::Value& value);         // true or false, also as words
[[nodiscard]] base::Result<Firmware> firmware_name(const settings::Value& value);
[[nodiscard]] base::Result<PciAddress> pci_address(const settings::Value& value);  // "0000:00:1f.2"
[[nodiscard]] base::Result<UsbId> usb_id(const settings::Value& value);            // "1d6b:0002"
[[nodiscard]] base::Result<DefaultDispvm> dispvm_choice(const settings::Value& value);
[[nodiscard]] base::Result<std::vector<base::VmName>> vm_names(const settings::Value& value);  // each once
[[nodiscard]] base::Result<std::set<Tag>> tag_set(const settings::Value& value);

// As the functions above read them.
[[nodiscard]] settings::Value refill_delay_value(const RefillDelay& delay);
[[nodiscard]] std::string text_of(const PciAddress& address);
[[nodiscard]] std::string text_of(const UsbId& id);

}  // namespace varve::definitions
