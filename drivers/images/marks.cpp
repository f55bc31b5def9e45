// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/marks.h"

#include <charconv>
#include <string>

namespace varve::images {
namespace {

using base::Result;
using base::Timestamp;

constexpr std::int64_t billion = 1'000'000'000;

// Nanoseconds since the epoch; something else, written by somebody else, is no mark.
std::optional<Timestamp> parse_time(const std::string& text) {
    std::int64_t count = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, count);
    if (read.ec != std::errc{} || read.ptr != end || count < 0) return {};
    return Timestamp{count / billion, static_cast<std::uint32_t>(count % billion)};
}

}  // namespace

Result<std::optional<Timestamp>> Marks::time(const char* key) const {
    const auto text = TRY(files_->mark(file_, key));
    return text ? parse_time(*text) : std::nullopt;
}

Result<std::optional<std::uint64_t>> Marks::number(const char* key) const {
    const auto text = TRY(files_->mark(file_, key));
    if (!text) return std::optional<std::uint64_t>();
    std::uint64_t value = 0;
    const auto* const end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, value);
    return read.ec == std::errc{} && read.ptr == end ? std::optional(value) : std::nullopt;
}

Result<> Marks::set(const char* key, const std::string& value) {
    auto done = files_->set_mark(file_, key, value);
    if (!done && done.error().code == base::Errc::Unsupported) return {};  // the documented loss
    return done;
}

Result<> Marks::set(const char* key, Timestamp time) { return set(key, std::to_string(time.seconds * billion + time.nanoseconds)); }

Result<> Marks::set_replaced(std::optional<Timestamp> time) {
    if (!time) return files_->remove_mark(file_, "replaced");
    return set("replaced", *time);
}

Result<bool> Marks::numbered() const { return TRY(files_->mark(file_, "number")).has_value(); }

Result<> Marks::set_numbered(bool numbered) {
    if (!numbered) return files_->remove_mark(file_, "number");
    return set("number", std::string("1"));
}

Result<bool> Marks::started_in(const kernel::BootId& boot) const { return TRY(files_->mark(file_, "boot")) == boot.text; }

Result<> Marks::set_started_in(const kernel::BootId& boot) { return set("boot", boot.text); }

}  // namespace varve::images
