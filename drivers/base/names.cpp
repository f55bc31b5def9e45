// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/names.h"

#include "drivers/base/revision_name.h"

#include <algorithm>
#include <array>

namespace varve::base {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }

template <class First, class Rest>
bool matches(std::string_view text, std::size_t longest, First first, Rest rest) {
    return !text.empty() && text.size() <= longest && first(text.front()) && std::all_of(text.begin() + 1, text.end(), rest);
}

Failure illegal(std::string_view what, std::string_view text, std::string_view rule) {
    constexpr std::size_t shown = 80;
    std::string quoted;
    for (const char c : text.substr(0, shown)) quoted += (c >= ' ' && c != '\x7f') ? c : '?';
    if (text.size() > shown) quoted += "...";
    return fail(Errc::InvalidName, "'" + quoted + "' is not a legal " + std::string(what) + " name: " + std::string(rule));
}

bool is_reserved_for_vms(std::string_view text) {
    constexpr std::array<std::string_view, 3> reserved{"none", "default", "Domain-0"};
    return std::ranges::find(reserved, text) != reserved.end() || text.ends_with("-dm");
}

}  // namespace

Result<> PoolNameRules::check(std::string_view text) {
    if (!matches(text, 64, is_alphanumeric, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; }))
        return illegal("pool", text, "up to 64 letters, digits, '_', '.' and '-', the first a letter or digit");
    return {};
}

Result<> VmNameRules::check(std::string_view text) {
    if (!matches(text, 31, is_letter, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; }))
        return illegal("VM", text, "up to 31 letters, digits, '_', '.' and '-', the first a letter");
    if (is_reserved_for_vms(text)) return illegal("VM", text, "it is reserved (none, default, Domain-0, and names ending in -dm are)");
    return {};
}

VmName VmNameRules::of_kernel(const KernelVersion& version) { return VmName(version.str()); }

Result<> KernelVersionRules::check(std::string_view text) {
    if (!matches(text, 64, is_alphanumeric, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '+' || c == '-'; }))
        return illegal("kernel version", text, "up to 64 letters, digits, '_', '.', '+' and '-', the first a letter or digit");
    if (is_reserved_for_vms(text))
        return illegal("kernel version", text, "it is reserved (none, default, Domain-0, and names ending in -dm are)");
    return {};
}

Result<VmName> parse_place(std::string_view text) {
    auto vm = VmName::parse(text);
    if (vm) return vm;
    if (const auto version = KernelVersion::parse(text)) return VmNameRules::of_kernel(*version);
    return vm;
}

Result<> VolumeNameRules::check(std::string_view text) {
    if (!matches(text, 32, is_lower, [](char c) { return is_lower(c) || is_digit(c); }))
        return illegal("volume", text, "up to 32 lower-case letters and digits, the first a letter");
    if (text == "ctl") return illegal("volume", text, "it is reserved: .varve/ctl takes the commands for the whole VM");
    return {};
}

Result<> LabelRules::check(std::string_view text) {
    if (!matches(text, 64, is_alphanumeric, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-' || c == ':'; }))
        return illegal("label", text, "up to 64 letters, digits, '_', '.', ':' and '-', the first a letter or digit");
    if (text == "current") return illegal("label", text, "it is reserved for the committed state");
    constexpr std::size_t time_length = 20;  // 2018-01-02T03:04:05Z
    if (parse_iso_utc(text.substr(0, time_length))) return illegal("label", text, "it begins like a time");
    return {};
}

}  // namespace varve::base
