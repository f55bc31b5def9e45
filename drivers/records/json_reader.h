// SPDX-License-Identifier: LGPL-2.1-or-later
// Strict reading of JSON that somebody else may have written. Only for this folder's .cpp files: it includes the JSON library.
#pragma once

#include "drivers/api/volume_config.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>

namespace varve::records {

using Json = nlohmann::json;

// Corrupt for what is not one JSON object, has the same key twice in an object, or nests deeper than ours do.
[[nodiscard]] base::Result<Json> parse_object(std::string_view text);

// One object, with its place ("volumes.root") for messages. Corrupt whenever the text is not what is asked for.
class ObjectReader {
public:
    [[nodiscard]] static base::Result<ObjectReader> of(const Json& value, std::string place);

    // Names the fields that are none of `known`.
    [[nodiscard]] base::Result<> only(std::initializer_list<std::string_view> known) const;
    [[nodiscard]] bool has(const char* key) const { return object_->contains(key); }
    [[nodiscard]] base::Result<std::string> text(const char* key) const;
    [[nodiscard]] base::Result<bool> boolean(const char* key) const;
    [[nodiscard]] base::Result<std::int64_t> integer(const char* key, std::int64_t least, std::int64_t most) const;
    [[nodiscard]] base::Result<std::uint64_t> natural(const char* key, std::uint64_t most) const;
    [[nodiscard]] base::Result<ObjectReader> object(const char* key) const;
    [[nodiscard]] base::Result<const Json*> array(const char* key) const;
    [[nodiscard]] base::Failure wrong(std::string_view key, std::string_view what) const;

    [[nodiscard]] const Json& json() const { return *object_; }
    [[nodiscard]] const std::string& place() const { return place_; }

private:
    ObjectReader(const Json& object, std::string place) : object_(&object), place_(std::move(place)) {}
    [[nodiscard]] base::Result<const Json*> field(const char* key) const;

    const Json* object_;
    std::string place_;
};

// "vm/volume", each name checked.
[[nodiscard]] base::Result<base::VolumePath> parse_volume_path(std::string_view text);

// The version every file of ours says it has.
inline constexpr std::int64_t format_version = 1;
// Corrupt, saying that a newer Varve wrote it, for any other.
[[nodiscard]] base::Result<> check_version(const ObjectReader& reader);

}  // namespace varve::records
