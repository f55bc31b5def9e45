// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/lvm_library.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace varve::lvm_thin {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using Json = nlohmann::json;

Result<Json> rows(std::string_view text, const char* kind) {
    const auto report = Json::parse(text, nullptr, false);
    if (report.is_discarded() || !report.contains("report") || !report["report"].is_array() || report["report"].empty() ||
        !report["report"][0].contains(kind) || !report["report"][0][kind].is_array())
        return fail(Errc::Corrupt, "LVM's report is not as expected: " + std::string(text.substr(0, 200)));
    return report["report"][0][kind];
}

Result<std::string> text(const Json& row, const char* key) {
    const auto found = row.find(key);
    if (found == row.end() || !found->is_string()) return fail(Errc::Corrupt, "LVM's report has no " + std::string(key));
    return found->get<std::string>();
}

template <class Number>
Result<Number> number(const Json& row, const char* key) {
    const auto value = TRY(text(row, key));
    Number parsed = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (error != std::errc() || end != value.data() + value.size())
        return fail(Errc::Corrupt, "LVM's report has '" + value + "' as " + key);
    return parsed;
}

Result<base::Bytes> bytes(const Json& row, const char* key) { return base::Bytes{TRY(number<std::uint64_t>(row, key))}; }

std::vector<std::string> split(const std::string& list) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin < list.size();) {
        const auto end = std::min(list.find(',', begin), list.size());
        parts.push_back(list.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

Result<Lv> read_lv(const Json& row) {
    Lv lv;
    lv.uuid = TRY(parse_uuid(TRY(text(row, "lv_uuid"))));
    lv.name = TRY(text(row, "lv_name"));
    if (lv.name.starts_with('[') && lv.name.ends_with(']')) lv.name = lv.name.substr(1, lv.name.size() - 2);  // hidden
    lv.pool = TRY(text(row, "pool_lv"));
    lv.size = TRY(bytes(row, "lv_size"));
    lv.tags = split(TRY(text(row, "lv_tags")));
    lv.active = TRY(text(row, "lv_active")) == "active";
    // Cached LVs, too, have a pool, and no number in it.
    if (!TRY(text(row, "thin_id")).empty()) lv.thin_id = kernel::ThinId{TRY(number<std::uint32_t>(row, "thin_id"))};
    return lv;
}

}  // namespace

Result<std::vector<Lv>> parse_lvs(std::string_view lvs) {
    const auto found = TRY(rows(lvs, "lv"));
    std::vector<Lv> parsed;
    parsed.reserve(found.size());
    for (const auto& row : found) parsed.push_back(TRY(read_lv(row)));
    return parsed;
}

Result<base::Bytes> parse_extent(std::string_view vgs) {
    const auto groups = TRY(rows(vgs, "vg"));
    if (groups.empty()) return fail(Errc::NotFound, "LVM does not know the volume group");
    const auto extent = TRY(bytes(groups[0], "vg_extent_size"));
    if (extent.count == 0) return fail(Errc::Corrupt, "LVM's report has extents of no size");
    return extent;
}

Errc meaning_of(std::string_view errors) {
    const auto says = [&](std::string_view words) { return errors.find(words) != std::string_view::npos; };
    if (says("already exists") || says("already in use")) return Errc::Exists;
    if (says("in use") || says("is used by") || says("open count")) return Errc::Busy;
    if (says("nsufficient free") || says("nsufficient suitable") || says("out of space") || says("No space left") ||
        says("Free space in pool"))
        return Errc::NoSpace;
    if (says("not found") || says("Failed to find") || says("Cannot process volume group")) return Errc::NotFound;
    return Errc::Io;
}

}  // namespace varve::lvm_thin
