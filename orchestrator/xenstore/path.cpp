// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/xenstore/path.h"

#include <algorithm>
#include <string>

namespace varve::xenstore {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr std::size_t longest_path = 3072;  // XENSTORE_ABS_PATH_MAX in xs_wire.h
constexpr std::size_t longest_key = 256;

bool is_key_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '@';
}

bool is_key(std::string_view text) { return !text.empty() && text.size() <= longest_key && std::ranges::all_of(text, is_key_character); }

}  // namespace

Result<> KeyRules::check(std::string_view text) {
    if (is_key(text)) return {};
    return fail(Errc::InvalidName, "a key of xenstore has up to 256 letters, digits, '-', '_' and '@'");
}

Result<> PathRules::check(std::string_view text) {
    const auto wrong = [] {
        return fail(Errc::InvalidName,
                    "a path of xenstore begins with '/', has keys of letters, digits, '-', '_' and '@', and up to 3072 bytes");
    };
    if (!text.starts_with('/') || text.size() > longest_path) return wrong();
    if (text == "/") return {};
    for (auto rest = text.substr(1);;) {
        const auto end = rest.find('/');
        if (!is_key(rest.substr(0, end))) return wrong();
        if (end == std::string_view::npos) return {};
        rest.remove_prefix(end + 1);
    }
}

Result<Path> below(const Path& path, const Key& key) { return Path::parse((path.str() == "/" ? "" : path.str()) + "/" + key.str()); }

Result<Path> home_of(DomainId domain) {
    if (domain.value >= first_reserved_domain)
        return fail(Errc::InvalidArgument, std::to_string(domain.value) + " is not the number of a domain");
    return Path::parse("/local/domain/" + std::to_string(domain.value));
}

bool is_at_or_below(const Path& path, const Path& ancestor) {
    if (ancestor.str() == "/" || path == ancestor) return true;
    return path.str().starts_with(ancestor.str() + "/");
}

}  // namespace varve::xenstore
