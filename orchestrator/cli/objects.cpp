// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/objects.h"

#include <nlohmann/json.hpp>

namespace varve::cli {

using nlohmann::json;

json object_of(const mount_client::Pool& pool) {
    auto config = json::parse(pool.config, nullptr, false);
    if (config.is_discarded()) config = nullptr;
    return {{"pool", pool.name.str()},
            {"driver", pool.driver},
            {"config", std::move(config)},
            {"size", pool.size},
            {"usage", pool.usage},
            {"included_in", pool.included_in.empty() ? json(nullptr) : json(pool.included_in)},
            {"revisions_to_keep", pool.revisions_to_keep},
            {"schedule", pool.schedule},
            {"prune_below", prune_below_object(pool.prune_below)}};
}

json prune_below_object(const std::string& prune_below) { return prune_below == "none" ? json(nullptr) : json(prune_below); }

json object_of(const mount_client::Revision& revision) {
    return {{"revision", revision.name},     {"size", revision.size},     {"usage", revision.usage},
            {"modified", revision.modified}, {"pinned", revision.pinned}, {"kept", revision.kept}};
}

json object_of(const mount_client::Volume& volume) {
    auto revisions = json::array();
    for (const auto& revision : volume.revisions) revisions.push_back(object_of(revision));
    return {{"pool", volume.id.pool.str()}, {"vm", volume.id.vm.str()},         {"volume", volume.id.volume.str()}, {"kind", volume.kind},
            {"state", volume.state},        {"source", volume.source},          {"outdated", volume.outdated},      {"size", volume.size},
            {"usage", volume.usage},        {"revisions", std::move(revisions)}};
}

json object_of(const mount_client::VolumeDetails& details) {
    auto object = object_of(details.volume);
    object["exclusive"] = details.exclusive;
    object["rw"] = details.rw;
    object["ephemeral"] = details.ephemeral;
    object["revisions_to_keep"] = details.revisions_to_keep;
    object["schedule"] = details.schedule;
    object["device"] = details.device.empty() ? json() : json(details.device);
    object["blockers"] = details.blockers;
    return object;
}

json object_of(const mount_client::VolumeRetention& retention) {
    auto revisions = json::array();
    for (const auto& revision : retention.revisions) {
        auto object = object_of(revision);
        object["goes_when_short"] = revision.goes_when_short;
        revisions.push_back(std::move(object));
    }
    return {{"volume", retention.volume.str()},
            {"revisions_to_keep", retention.revisions_to_keep},
            {"schedule", retention.schedule},
            {"prune_below", prune_below_object(retention.prune_below)},
            {"revisions", std::move(revisions)}};
}

}  // namespace varve::cli
