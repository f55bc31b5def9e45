// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/error_log.h"

#include "drivers/base/timestamp.h"
#include "fs/protocol/names.h"
#include "orchestrator/mount_client/json_fields.h"
#include "orchestrator/mount_client/reply.h"

#include <nlohmann/json.hpp>

namespace varve::mount_client {
namespace {

using nlohmann::json;

bool fits(const json& line, const FailedOperation& failed) {
    const auto is = [&](std::string_view name, std::int64_t value) { return number_field(line, name, value, value).has_value(); };
    if (!is(protocol::field::pid, failed.pid) || !is(protocol::field::number, failed.number)) return false;
    if (!failed.operation.empty() && text_field(line, protocol::field::operation) != failed.operation) return false;
    const auto time = base::parse_iso_utc(text_field(line, protocol::field::time));
    return time && *time >= failed.not_before && !text_field(line, protocol::field::message).empty();
}

}  // namespace

std::optional<base::Error> logged_reason(std::string_view log, const FailedOperation& failed) {
    while (!log.empty()) {
        if (log.ends_with('\n')) log.remove_suffix(1);
        const auto end = log.rfind('\n');
        const auto line = json::parse(end == std::string_view::npos ? log : log.substr(end + 1), nullptr, false);
        if (!line.is_discarded() && fits(line, failed)) return parse_error(line);
        log = end == std::string_view::npos ? std::string_view() : log.substr(0, end + 1);
    }
    return {};
}

}  // namespace varve::mount_client
