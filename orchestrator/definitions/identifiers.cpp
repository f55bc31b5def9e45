// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/definitions/identifiers.h"

#include <arpa/inet.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

namespace varve::definitions {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr std::string_view lower_hexadecimal = "0123456789abcdef";

bool is_hexadecimal(char c) { return lower_hexadecimal.find(c) != std::string_view::npos; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_word(std::string_view text, std::size_t longest) {
    if (text.empty() || text.size() > longest || !(is_letter(text.front()) || is_digit(text.front()))) return false;
    return std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-'; });
}

Result<> word(std::string_view text, const char* what) {
    if (is_word(text, 64)) return {};
    return fail(Errc::InvalidName, std::string(what) + " has 1 to 64 letters, digits, '_', '.' and '-', the first a letter or digit");
}

// Whether every character is one of the pattern's: 'x' a digit, anything else itself.
bool matches(std::string_view text, std::string_view pattern) {
    return std::ranges::equal(text, pattern, [](char c, char wanted) { return wanted == 'x' ? is_hexadecimal(c) : c == wanted; });
}

// The prefixes that libvirt knows buses by (libvirt's documentation of the element `target`).
constexpr std::array<std::string_view, 6> target_prefixes{"vd", "xvd", "sd", "hd", "fd", "ubd"};

bool is_target(std::string_view text) {
    return std::ranges::any_of(target_prefixes, [&](std::string_view prefix) {
        if (!text.starts_with(prefix)) return false;
        const auto letters = text.substr(prefix.size());
        return !letters.empty() && letters.size() <= 3 && std::ranges::all_of(letters, [](char c) { return c >= 'a' && c <= 'z'; });
    });
}

}  // namespace

Result<> UuidRules::check(std::string_view text) {
    if (!matches(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") || text.find_first_not_of("0-") == std::string_view::npos)
        return fail(Errc::InvalidName, "a UUID is 8-4-4-4-12 lower-case hexadecimal digits, not all of them 0");
    return {};
}

Result<> MacAddressRules::check(std::string_view text) {
    if (!matches(text, "xx:xx:xx:xx:xx:xx"))
        return fail(Errc::InvalidName, "a MAC address is written like 52:54:00:12:34:56, in lower case");
    // The lowest bit of the first byte marks groups (IEEE 802).
    if (lower_hexadecimal.find(text[1]) % 2 != 0)
        return fail(Errc::InvalidName, "this MAC address is that of a group, not of one interface");
    return {};
}

Result<> HypervisorUriRules::check(std::string_view text) {
    constexpr std::array<std::string_view, 3> known{"qemu", "xen", "test"};
    constexpr std::size_t longest = 1024;
    const auto scheme = text.substr(0, std::min(text.find_first_of(":+"), text.size()));
    const bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
    if (!printable || text.size() > longest || text.find("://") == std::string_view::npos ||
        std::ranges::find(known, scheme) == known.end())
        return fail(Errc::InvalidName,
                    "a hypervisor is given by its libvirt URI: qemu:///system, qemu:///session, xen:///system, test:///default");
    return {};
}

Result<> TargetNameRules::check(std::string_view text) {
    if (!is_target(text)) return fail(Errc::InvalidName, "a disk of a guest is called like vda, xvda, sda or hda");
    return {};
}

Result<> NetworkNameRules::check(std::string_view text) { return word(text, "the name of a network"); }
Result<> TagRules::check(std::string_view text) { return word(text, "a tag"); }
Result<> FeatureRules::check(std::string_view text) { return word(text, "the name of a feature"); }

Result<> BridgeNameRules::check(std::string_view text) {
    constexpr std::size_t longest = 15;
    if (!is_word(text, longest))
        return fail(Errc::InvalidName, "a bridge has 1 to 15 letters, digits, '_', '.' and '-' in its name, the first a letter or digit");
    return {};
}

Result<> IpAddressRules::check(std::string_view text) {
    const std::string copy(text);
    std::array<unsigned char, sizeof(in6_addr)> address{};
    // A zero byte would end the text that inet_pton sees.
    const bool good = copy.find('\0') == std::string::npos &&
                      (::inet_pton(AF_INET, copy.c_str(), address.data()) == 1 || ::inet_pton(AF_INET6, copy.c_str(), address.data()) == 1);
    if (!good) return fail(Errc::InvalidName, "an IP address is written like 10.0.0.7 or fd00::7");
    return {};
}

Result<> TextLineRules::check(std::string_view text) {
    constexpr std::size_t longest = 2048;
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
    if (text.size() > longest || std::ranges::any_of(text, is_control))
        return fail(Errc::InvalidName, "this is one line of text: at most 2048 bytes, no control characters");
    return {};
}

Result<Uuid> random_uuid() {
    std::array<std::uint8_t, 16> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return base::fail_errno(errno, "cannot get random bytes");
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0fU) | 0x40U);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3fU) | 0x80U);
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += lower_hexadecimal[bytes[i] >> 4U];
        text += lower_hexadecimal[bytes[i] & 0x0fU];
    }
    return Uuid::parse(text);
}

}  // namespace varve::definitions
