// SPDX-License-Identifier: LGPL-2.1-or-later
// A record as one tag: "varve/<type>/<field>/.../<key>=<value>/...". Fields stand in a fixed order, then come those that may be absent. All values
// are made of characters that tags may have.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/timestamp.h"
#include "drivers/lvm_thin/lv.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::lvm_thin {

class TagWriter {
public:
    explicit TagWriter(std::string_view type);
    TagWriter& field(std::string_view value);
    TagWriter& field(std::uint64_t value) { return field(std::to_string(value)); }
    TagWriter& field(base::Timestamp time);
    TagWriter& optional(std::string_view key, std::string_view value);
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
};

class TagReader {
public:
    // nullopt for a tag that is not one of ours.
    [[nodiscard]] static std::optional<TagReader> of(std::string_view tag);

    [[nodiscard]] const std::string& type() const { return type_; }
    // The next field in the fixed order.
    [[nodiscard]] base::Result<std::string> field();
    [[nodiscard]] base::Result<std::uint64_t> number();
    [[nodiscard]] base::Result<base::Timestamp> time();
    [[nodiscard]] std::optional<std::string> optional(std::string_view key) const;
    [[nodiscard]] base::Result<LvUuid> uuid();
    [[nodiscard]] base::Failure wrong(std::string_view what) const;

private:
    std::string tag_;
    std::string type_;
    std::vector<std::string> fields_;
    std::map<std::string, std::string, std::less<>> optional_;
    std::size_t next_ = 0;
};

[[nodiscard]] std::string time_text(base::Timestamp time);
[[nodiscard]] std::optional<base::Timestamp> parse_time(std::string_view text);
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace varve::lvm_thin
