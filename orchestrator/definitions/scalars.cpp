// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/definitions/scalars.h"

#include "drivers/base/overloaded.h"
#include "drivers/settings/scalars.h"
#include "drivers/settings/text.h"
#include "orchestrator/definitions/keys.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>

namespace varve::definitions {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using settings::quote;
using settings::unexpected;
using settings::Value;

// A number of exactly that many hexadecimal digits.
std::optional<std::uint16_t> hexadecimal(std::string_view text, std::size_t digits) {
    std::uint16_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (text.size() != digits || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

Result<std::uint32_t> count(const Value& value, std::uint32_t least, std::uint32_t most) {
    const auto expected = "a number from " + std::to_string(least) + " to " + std::to_string(most);
    const auto number = TRY(settings::integer_of(value, expected));
    if (number < least || number > most) return unexpected(expected, value);
    return static_cast<std::uint32_t>(number);
}

template <class... Arguments>
std::string printed(const char* format, Arguments... arguments) {
    std::array<char, 32> text{};
    const int length = std::snprintf(text.data(), text.size(), format, arguments...);
    return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

Result<base::Bytes> memory_size(const Value& value) {
    const auto bytes = TRY(settings::amount(value));
    if (bytes < least_memory || bytes > most_memory)
        return fail(Errc::InvalidArgument, "expected from " + settings::amount_text(least_memory) + " to " +
                                               settings::amount_text(most_memory) + ", not " + settings::describe(value));
    return bytes;
}

Result<std::uint32_t> vcpu_count(const Value& value) { return count(value, 1, most_vcpus); }
Result<std::uint32_t> preload_count(const Value& value) { return count(value, 0, most_preloads); }

Result<RefillDelay> refill_delay(const Value& value) {
    const auto* text = settings::text_in(value);
    const bool negative = text != nullptr ? text->starts_with('-') : false;
    if (const auto* number = std::get_if<settings::Integer>(&value); negative || (number != nullptr && number->value < 0)) {
        if (text != nullptr) (void)TRY(settings::integer_of(settings::Word{*text}, "a time such as \"3s\", or a negative number"));
        return RefillDelay(RefillWhenEmpty{});
    }
    return RefillDelay(TRY(settings::precise_duration(value)));
}

Value refill_delay_value(const RefillDelay& delay) {
    return std::visit(base::Overloaded{
                          [](std::chrono::milliseconds time) { return Value(settings::duration_text(time)); },
                          [](RefillWhenEmpty) { return Value(settings::Integer{-1}); },
                      },
                      delay);
}

Result<bool> switch_value(const Value& value) {
    const auto* word = std::get_if<settings::Word>(&value);
    if (word == nullptr) return settings::yes_or_no(value);
    if (word->text != "true" && word->text != "false") return unexpected("true or false", value);
    return word->text == "true";
}

Result<Firmware> firmware_name(const Value& value) {
    constexpr std::string_view expected = "\"bios\" or \"uefi\"";
    const auto text = TRY(settings::text_of(value, expected));
    if (text == word::bios) return Firmware::Bios;
    if (text == word::uefi) return Firmware::Uefi;
    return unexpected(expected, value);
}

Result<PciAddress> pci_address(const Value& value) {
    constexpr std::string_view expected = "a PCI address such as \"0000:00:1f.2\"";
    const auto text = TRY(settings::text_of(value, expected));
    constexpr std::size_t length = std::string_view("0000:00:1f.2").size();
    if (text.size() != length || text[4] != ':' || text[7] != ':' || text[10] != '.') return unexpected(expected, value);
    const std::string_view all = text;
    const auto domain = hexadecimal(all.substr(0, 4), 4);
    const auto bus = hexadecimal(all.substr(5, 2), 2);
    const auto slot = hexadecimal(all.substr(8, 2), 2);
    const auto function = hexadecimal(all.substr(11), 1);
    if (!domain || !bus || !slot || !function || *slot > 31 || *function > 7) return unexpected(expected, value);
    return PciAddress{*domain, static_cast<std::uint8_t>(*bus), static_cast<std::uint8_t>(*slot), static_cast<std::uint8_t>(*function)};
}

std::string text_of(const PciAddress& address) {
    return printed("%04x:%02x:%02x.%x", unsigned{address.domain}, unsigned{address.bus}, unsigned{address.slot},
                   unsigned{address.function});
}

Result<UsbId> usb_id(const Value& value) {
    constexpr std::string_view expected = "a USB device as VENDOR:PRODUCT, such as \"1d6b:0002\"";
    const auto text = TRY(settings::text_of(value, expected));
    if (text.size() != 9 || text[4] != ':') return unexpected(expected, value);
    const auto vendor = hexadecimal(std::string_view(text).substr(0, 4), 4);
    const auto product = hexadecimal(std::string_view(text).substr(5), 4);
    if (!vendor || !product) return unexpected(expected, value);
    return UsbId{*vendor, *product};
}

std::string text_of(const UsbId& id) { return printed("%04x:%04x", unsigned{id.vendor}, unsigned{id.product}); }

Result<DefaultDispvm> dispvm_choice(const Value& value) {
    const auto text = TRY(settings::text_of(value, "the name of a VM, or \"none\""));
    if (text == word::none) return DefaultDispvm(NoDisposables{});
    return DefaultDispvm(TRY(base::VmName::parse(text)));
}

Result<std::vector<base::VmName>> vm_names(const Value& value) {
    std::vector<base::VmName> names;
    const auto texts = TRY(settings::texts_of(value, "a list of VMs"));
    for (const auto& text : texts) {
        auto name = TRY(base::VmName::parse(text));
        if (std::ranges::find(names, name) != names.end()) return fail(Errc::InvalidArgument, quote(text) + " is named twice");
        names.push_back(std::move(name));
    }
    return names;
}

Result<std::set<Tag>> tag_set(const Value& value) {
    std::set<Tag> tags;
    const auto texts = TRY(settings::texts_of(value, "a list of tags"));
    for (const auto& text : texts) tags.insert(TRY(Tag::parse(text)));
    return tags;
}

}  // namespace varve::definitions
