// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/records/json_reader.h"

#include <algorithm>
#include <set>
#include <vector>

namespace varve::records {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr int deepest = 8;

std::string printable(std::string_view text) {
    constexpr std::size_t shown = 40;
    std::string safe;
    for (const char c : text.substr(0, shown)) safe += (c >= ' ' && c != '\x7f') ? c : '?';
    return text.size() > shown ? safe + "..." : safe;
}

// Watches the parser for what a parsed value no longer shows.
class Watcher {
public:
    bool operator()(int depth, Json::parse_event_t event, Json& value) {
        using Event = Json::parse_event_t;
        if (depth > deepest) problem_ = "it nests too deep";
        if (event == Event::object_start) keys_.emplace_back();
        if (event == Event::object_end && !keys_.empty()) keys_.pop_back();
        if (event == Event::key && !keys_.empty()) {
            const auto& key = value.get_ref<const std::string&>();
            if (!keys_.back().insert(key).second) problem_ = "it has the field '" + printable(key) + "' twice";
        }
        return problem_.empty();
    }
    [[nodiscard]] const std::string& problem() const { return problem_; }

private:
    std::vector<std::set<std::string>> keys_;
    std::string problem_;
};

}  // namespace

Result<Json> parse_object(std::string_view text) {
    Watcher watcher;
    auto json = Json::parse(text, std::ref(watcher), /*allow_exceptions=*/false);
    if (!watcher.problem().empty()) return fail(Errc::Corrupt, watcher.problem());
    if (json.is_discarded()) return fail(Errc::Corrupt, "it is not JSON");
    if (!json.is_object()) return fail(Errc::Corrupt, "it is not a JSON object");
    return json;
}

Result<ObjectReader> ObjectReader::of(const Json& value, std::string place) {
    if (!value.is_object()) return fail(Errc::Corrupt, "'" + place + "' is not an object");
    return ObjectReader(value, std::move(place));
}

base::Failure ObjectReader::wrong(std::string_view key, std::string_view what) const {
    return fail(Errc::Corrupt, "'" + (place_.empty() ? "" : place_ + ".") + printable(key) + "' " + std::string(what));
}

Result<> ObjectReader::only(std::initializer_list<std::string_view> known) const {
    for (const auto& [key, value] : object_->items())
        if (std::ranges::find(known, key) == known.end()) return wrong(key, "is an unknown field");
    return {};
}

Result<const Json*> ObjectReader::field(const char* key) const {
    const auto found = object_->find(key);
    if (found == object_->end()) return wrong(key, "is missing");
    return &*found;
}

Result<std::string> ObjectReader::text(const char* key) const {
    const auto* const value = TRY(field(key));
    if (!value->is_string()) return wrong(key, "is not a string");
    return value->get<std::string>();
}

Result<bool> ObjectReader::boolean(const char* key) const {
    const auto* const value = TRY(field(key));
    if (!value->is_boolean()) return wrong(key, "is not true or false");
    return value->get<bool>();
}

Result<std::int64_t> ObjectReader::integer(const char* key, std::int64_t least, std::int64_t most) const {
    const auto* const value = TRY(field(key));
    const bool too_large =
        value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!value->is_number_integer() || too_large || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most)
        return wrong(key, "is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return value->get<std::int64_t>();
}

Result<std::uint64_t> ObjectReader::natural(const char* key, std::uint64_t most) const {
    const auto* const value = TRY(field(key));
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() > most)
        return wrong(key, "is not a whole number from 0 to " + std::to_string(most));
    return value->get<std::uint64_t>();
}

Result<ObjectReader> ObjectReader::object(const char* key) const {
    const auto* const value = TRY(field(key));
    return of(*value, place_.empty() ? key : place_ + "." + key);
}

Result<const Json*> ObjectReader::array(const char* key) const {
    const auto* const value = TRY(field(key));
    if (!value->is_array()) return wrong(key, "is not an array");
    return value;
}

Result<base::VolumePath> parse_volume_path(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return fail(Errc::Corrupt, "'" + printable(text) + "' is not of the form vm/volume");
    auto vm = TRY(base::VmName::parse(text.substr(0, slash)));
    auto volume = TRY(base::VolumeName::parse(text.substr(slash + 1)));
    return base::VolumePath{std::move(vm), std::move(volume)};
}

Result<> check_version(const ObjectReader& reader) {
    const auto version = TRY(reader.integer("version", 0, std::numeric_limits<std::int64_t>::max()));
    if (version != format_version)
        return reader.wrong("version",
                            "is " + std::to_string(version) + ", but this Varve knows only version " + std::to_string(format_version));
    return {};
}

}  // namespace varve::records
