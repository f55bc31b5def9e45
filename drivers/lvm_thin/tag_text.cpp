// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/tag_text.h"

#include <charconv>

namespace varve::lvm_thin {

using base::Errc;
using base::Result;

namespace {

constexpr std::string_view prefix = "varve/";

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::string time_text(base::Timestamp time) {
    auto text = std::to_string(time.seconds);
    text.append(".").append(std::to_string(time.nanoseconds));
    return text;
}

std::optional<base::Timestamp> parse_time(std::string_view text) {
    const auto dot = text.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const auto seconds = whole_number<std::int64_t>(text.substr(0, dot));
    const auto nanoseconds = whole_number<std::uint32_t>(text.substr(dot + 1));
    constexpr std::uint32_t second = 1'000'000'000;
    if (!seconds || !nanoseconds || *nanoseconds >= second) return std::nullopt;
    return base::Timestamp{*seconds, *nanoseconds};
}

std::optional<std::uint64_t> parse_number(std::string_view text) { return whole_number<std::uint64_t>(text); }

TagWriter::TagWriter(std::string_view type) : text_(prefix) { text_ += type; }

TagWriter& TagWriter::field(std::string_view value) {
    text_.append("/").append(value);
    return *this;
}

TagWriter& TagWriter::field(base::Timestamp time) { return field(time_text(time)); }

TagWriter& TagWriter::optional(std::string_view key, std::string_view value) {
    text_.append("/").append(key).append("=").append(value);
    return *this;
}

std::optional<TagReader> TagReader::of(std::string_view tag) {
    if (!tag.starts_with(prefix)) return std::nullopt;
    TagReader reader;
    reader.tag_ = tag;
    tag.remove_prefix(prefix.size());
    bool first = true;
    while (true) {
        const auto slash = tag.find('/');
        const auto part = tag.substr(0, slash);
        const auto equals = part.find('=');
        if (first)
            reader.type_ = part;
        else if (equals != std::string_view::npos)
            reader.optional_.emplace(part.substr(0, equals), part.substr(equals + 1));
        else
            reader.fields_.emplace_back(part);
        first = false;
        if (slash == std::string_view::npos) return reader;
        tag.remove_prefix(slash + 1);
    }
}

Result<std::string> TagReader::field() {
    if (next_ >= fields_.size()) return wrong("something is missing");
    return fields_[next_++];
}

Result<std::uint64_t> TagReader::number() {
    const auto text = TRY(field());
    const auto value = parse_number(text);
    if (!value) return wrong("'" + text + "' is no number");
    return *value;
}

Result<base::Timestamp> TagReader::time() {
    const auto text = TRY(field());
    const auto value = parse_time(text);
    if (!value) return wrong("'" + text + "' is no time");
    return *value;
}

Result<LvUuid> TagReader::uuid() {
    auto parsed = parse_uuid(TRY(field()));
    if (!parsed) return wrong(parsed.error().context);
    return parsed;
}

std::optional<std::string> TagReader::optional(std::string_view key) const {
    const auto found = optional_.find(key);
    return found == optional_.end() ? std::nullopt : std::optional(found->second);
}

base::Failure TagReader::wrong(std::string_view what) const {
    return base::fail(Errc::Corrupt, "the LVM tag " + tag_ + " is not as Varve writes it: " + std::string(what));
}

}  // namespace varve::lvm_thin
