// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/volume_config.h"

#include "drivers/api/overloaded.h"

namespace varve::api {

std::string_view kind_name(const Kind& kind) {
    return std::visit(Overloaded{
                          [](const Volatile&) { return std::string_view("volatile"); },
                          [](const Snapshot&) { return std::string_view("snapshot"); },
                          [](const Origin&) { return std::string_view("origin"); },
                          [](const OriginSnapshot&) { return std::string_view("origin_snapshot"); },
                      },
                      kind);
}

const Source* source_of(const Kind& kind) {
    if (const auto* snapshot = std::get_if<Snapshot>(&kind)) return &snapshot->source;
    if (const auto* both = std::get_if<OriginSnapshot>(&kind)) return &both->source;
    return nullptr;
}

bool saves_on_stop(const Kind& kind) { return std::holds_alternative<Origin>(kind) || std::holds_alternative<OriginSnapshot>(kind); }

base::Result<RevisionsToKeep> RevisionsToKeep::from(long long count) {
    if (count < -1)
        return base::fail(base::Errc::InvalidArgument,
                          "revisions_to_keep is " + std::to_string(count) + "; it must be -1 (no snapshot layer), 0 or more");
    return RevisionsToKeep(count);
}

}  // namespace varve::api
