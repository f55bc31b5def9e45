// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading fields of JSON that somebody else wrote: a field of another type is as good as absent.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varve::mount_client {

// The field, or nullptr.
[[nodiscard]] inline const nlohmann::json* field(const nlohmann::json& object, std::string_view name) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(std::string(name));
    return found == object.end() ? nullptr : &*found;
}

[[nodiscard]] inline std::string text_field(const nlohmann::json& object, std::string_view name) {
    const auto* value = field(object, name);
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

[[nodiscard]] inline bool flag_field(const nlohmann::json& object, std::string_view name) {
    const auto* value = field(object, name);
    return value != nullptr && value->is_boolean() && value->get<bool>();
}

// Empty when it is no list.
[[nodiscard]] inline nlohmann::json list_field(const nlohmann::json& object, std::string_view name) {
    const auto* value = field(object, name);
    return value != nullptr && value->is_array() ? *value : nlohmann::json::array();
}

// An integer within the bounds; numbers above 2^63-1 are out of every bound.
[[nodiscard]] inline std::optional<std::int64_t> number_field(const nlohmann::json& object, std::string_view name, std::int64_t least,
                                                              std::int64_t most) {
    const auto* value = field(object, name);
    if (value == nullptr || !value->is_number_integer()) return {};
    if (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) return {};
    const auto number = value->get<std::int64_t>();
    if (number < least || number > most) return {};
    return number;
}

// One line of ASCII; text that is not UTF-8 gets replacement characters.
[[nodiscard]] inline std::string compact(const nlohmann::json& value) {
    return value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace varve::mount_client
