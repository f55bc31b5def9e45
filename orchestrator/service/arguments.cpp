// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/arguments.h"

#include "drivers/settings/text.h"

#include <algorithm>

namespace varve::service {

using base::Errc;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

base::Failure expected(std::string_view name, std::string_view what) {
    return fail(Errc::InvalidArgument, "the parameter '" + std::string(name) + "' must be " + std::string(what));
}

// A whole number from 0 on.
std::optional<std::uint64_t> natural(const json* value) {
    if (value == nullptr || !value->is_number_integer() || (!value->is_number_unsigned() && value->get<std::int64_t>() < 0))
        return std::nullopt;
    return value->get<std::uint64_t>();
}

}  // namespace

Result<Arguments> Arguments::of(const json& params, std::span<const std::string_view> known) {
    for (const auto& [key, value] : params.items()) {
        if (std::ranges::find(known, std::string_view(key)) != known.end()) continue;
        const auto meant = settings::closest(key, known);
        return fail(Errc::InvalidArgument, "there is no parameter " + settings::quote(key) +
                                               (meant.empty() ? "" : ": did you mean '" + std::string(meant) + "'?"));
    }
    return Arguments(params);
}

const json* Arguments::find(std::string_view name) const {
    const auto found = params_.find(std::string(name));
    return found == params_.end() ? nullptr : &*found;
}

Result<std::string> Arguments::text(std::string_view name) const {
    const auto* value = find(name);
    if (value == nullptr || !value->is_string()) return expected(name, "given, and a string");
    return value->get<std::string>();
}

Result<bool> Arguments::flag(std::string_view name, bool otherwise) const {
    const auto* value = find(name);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) return expected(name, "true or false");
    return value->get<bool>();
}

Result<std::optional<std::chrono::milliseconds>> Arguments::milliseconds(std::string_view name) const {
    constexpr std::uint64_t most = std::chrono::milliseconds(std::chrono::hours(24)).count();
    if (!has(name)) return std::optional<std::chrono::milliseconds>();
    const auto count = natural(find(name));
    if (!count || *count > most) return expected(name, "a number of milliseconds, at most a day");
    return std::optional(std::chrono::milliseconds(*count));
}

Result<std::uint64_t> Arguments::bytes(std::string_view name) const {
    const auto count = natural(find(name));
    if (!count) return expected(name, "given, and a number of bytes");
    return *count;
}

Result<json> Arguments::object(std::string_view name) const {
    const auto* value = find(name);
    if (value == nullptr || !value->is_object()) return expected(name, "given, and an object");
    return *value;
}

}  // namespace varve::service
