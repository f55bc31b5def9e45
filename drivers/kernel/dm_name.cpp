// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_name.h"

#include <algorithm>
#include <cstddef>

namespace varve::kernel {
namespace {

constexpr std::size_t longest_dm_name = 127;
constexpr std::size_t longest_dm_uuid = 128;

bool is_taken_as_it_is(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("#+-.:=@_").find(c) != std::string_view::npos;
}

base::Failure illegal_dm_text(std::string_view what, std::string_view text, std::string_view rule) {
    constexpr std::size_t shown = 140;
    std::string safe;
    for (const char c : text.substr(0, shown)) safe += (c >= ' ' && c < '\x7f') ? c : '?';
    return base::fail(base::Errc::InvalidName, "'" + safe + "' cannot be a device-mapper " + std::string(what) + ": " + std::string(rule));
}

base::Result<> check_characters(std::string_view what, std::string_view text, std::size_t longest) {
    if (text.empty()) return illegal_dm_text(what, text, "it is empty");
    if (text.size() > longest) return illegal_dm_text(what, text, "it is longer than " + std::to_string(longest) + " bytes");
    if (!std::ranges::all_of(text, is_taken_as_it_is)) return illegal_dm_text(what, text, "only letters, digits and #+-.:=@_ are allowed");
    return {};
}

}  // namespace

base::Result<> DmNameRules::check(std::string_view text) {
    TRY(check_characters("name", text, longest_dm_name));
    if (text == "." || text == ".." || text == "control") return illegal_dm_text("name", text, "it is reserved");
    return {};
}

base::Result<> DmUuidRules::check(std::string_view text) { return check_characters("uuid", text, longest_dm_uuid); }

std::string pool_uuid_prefix(std::string_view pool_uuid) { return "VARVE-" + std::string(pool_uuid) + "-"; }

base::Result<DmUuid> uuid_in_pool(std::string_view pool_uuid, std::string_view own_part) {
    return DmUuid::parse(pool_uuid_prefix(pool_uuid) + std::string(own_part));
}

}  // namespace varve::kernel
