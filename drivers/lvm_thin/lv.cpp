// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/lv.h"

#include <algorithm>
#include <array>

namespace varve::lvm_thin {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr std::string_view alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

bool all_of(std::string_view text, std::string_view more) {
    return std::ranges::all_of(
        text, [&](char c) { return alphanumeric.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos; });
}

Result<> check_name(std::string_view text, std::string_view what) {
    constexpr std::size_t longest = 127;  // NAME_LEN in lib/misc/lib.h of LVM, with its NUL
    const auto quoted = "'" + std::string(text) + "'";
    if (text.empty() || text.size() > longest)
        return fail(Errc::InvalidName, std::string(what) + " " + quoted + " must have 1 to 127 characters");
    if (text.front() == '-' || text == "." || text == ".." || !all_of(text, "+_.-"))
        return fail(Errc::InvalidName, std::string(what) + " " + quoted + " may have only letters, digits and +_.- and no dash at first");
    return {};
}

}  // namespace

Result<> LvNameRules::check(std::string_view text) {
    TRY(check_name(text, "the LV name"));
    // apply_lvname_restrictions in lib/misc/lvm-string.c (2.03.16)
    constexpr std::array beginnings{"snapshot", "pvmove"};
    constexpr std::array parts{"_cdata",  "_cmeta",   "_corig",  "_cpool", "_cvol",  "_wcorig", "_imeta", "_mlog",
                               "_mimage", "_pmspare", "_rimage", "_rmeta", "_tdata", "_tmeta",  "_vdata", "_vorigin"};
    const auto reserved = std::ranges::any_of(beginnings, [&](const char* word) { return text.starts_with(word); }) ||
                          std::ranges::any_of(parts, [&](const char* word) { return text.find(word) != std::string_view::npos; });
    if (reserved) return fail(Errc::InvalidName, "LVM keeps names like '" + std::string(text) + "' for itself; choose another");
    return {};
}

Result<> VgNameRules::check(std::string_view text) { return check_name(text, "the volume group"); }

bool is_tag(std::string_view text) { return !text.empty() && text.size() <= 1024 && text.front() != '-' && all_of(text, "_+.-/=!:&#"); }

Result<LvUuid> parse_uuid(std::string_view text) {
    constexpr std::size_t length = 32;
    std::string plain(text);
    std::erase(plain, '-');
    if (plain.size() != length || !all_of(plain, "!#")) return fail(Errc::Corrupt, "'" + std::string(text) + "' is no LVM uuid");
    return LvUuid{std::move(plain)};
}

}  // namespace varve::lvm_thin
