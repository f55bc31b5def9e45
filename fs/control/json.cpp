// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/json.h"

#include "drivers/base/timestamp.h"
#include "fs/control/errno_map.h"
#include "fs/protocol/names.h"
#include "fs/protocol/precise_time.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace varve::control {
namespace {

namespace field = protocol::field;

}  // namespace

std::string compact(const Json& value) { return value.dump(-1, ' ', true, Json::error_handler_t::replace); }

Json error_object(const base::Error& error) {
    const auto number = errno_of(error);
    return {{field::code, base::name_of(error.code)},
            {field::number, number},
            {field::name, errno_name(number)},
            {field::message, error.message()}};
}

Json failure_object(const engine::FailedOperation& failure) {
    Json line{{field::time, base::iso_utc(failure.time.seconds)},
              {field::pid, failure.process},
              {field::uid, failure.user},
              {field::operation, failure.operation},
              {field::path, failure.path}};
    line.update(error_object(failure.error));
    return line;
}

Json revision_object(const api::Revision& revision, const api::Reasons& reasons, bool prunes_for_space) {
    return {{field::revision, revision.id.str()},
            {field::size, revision.state.size.count},
            {field::usage, revision.state.allocated.count},
            {field::modified, protocol::precise_utc(revision.state.modified)},
            {field::pinned, reasons.pinned()},
            {field::kept, reasons.names()},
            {field::goes_when_short, prunes_for_space && reasons.only_scheduled()}};
}

Json findings_object(const std::vector<api::Finding>& findings) {
    auto list = Json::array();
    for (const auto& finding : findings) list.push_back({{field::object, finding.object}, {field::what, finding.what}});
    return {{field::findings, std::move(list)}};
}

Json revision_names(const std::vector<base::RevisionId>& revisions) {
    auto list = Json::array();
    for (const auto& revision : revisions) list.push_back(revision.str());
    return list;
}

Json outcome_object(std::string_view command, const Subject& subject, const base::Result<Json>& outcome) {
    Json object{{field::ok, outcome.has_value()}, {field::command, command}};
    if (!subject.field.empty()) object[std::string(subject.field)] = subject.name;
    if (outcome) {
        object[std::string(field::result)] = *outcome;
    } else {
        object[std::string(field::error)] = error_object(outcome.error());
    }
    return object;
}

}  // namespace varve::control
