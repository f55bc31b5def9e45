// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/activity/event_line.h"

#include "fs/protocol/names.h"

#include <nlohmann/json.hpp>

namespace varve::activity {
namespace {

using Json = nlohmann::ordered_json;  // fields in the order of the documentation
namespace field = protocol::field;

Json subject_of(const engine::Operation& operation) {
    Json json;
    json[field::number_of_operation] = operation.number;
    json[field::time] = base::iso_utc(operation.begun.seconds);
    json[field::operation] = operation.verb;
    const auto vm = operation.pool.str() + "/" + operation.vm.str();
    if (operation.volume)
        json[field::volume] = vm + "/" + operation.volume->str();
    else
        json[field::vm] = vm;
    if (operation.to) json[field::to] = operation.pool.str() + "/" + *operation.to;
    return json;
}

double seconds(std::chrono::nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

std::string line(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n"; }

api::StateId committed(const std::shared_ptr<const api::VolumeView>& view) {
    return view && view->committed ? view->committed->id : api::StateId{};
}

}  // namespace

std::string event_line(const engine::Operation& operation, const engine::Outcome& outcome) {
    auto json = subject_of(operation);
    json[field::seconds] = seconds(outcome.took);
    json[field::ok] = outcome.error == nullptr;
    if (outcome.error != nullptr) {
        json[field::error] = {{field::code, base::name_of(outcome.error->code)}, {field::message, outcome.error->message()}};
        return line(json);
    }
    // Whether those who start from the volume find something else from now on.
    if (operation.volume) json[field::replaced] = committed(outcome.before) != committed(outcome.after);
    return line(json);
}

std::string missed_line(std::uint64_t count) { return line(Json{{field::missed, count}}); }

std::string running_line(const engine::Operation& operation, std::chrono::nanoseconds for_so_long) {
    auto json = subject_of(operation);
    json[field::seconds] = seconds(for_so_long);
    return line(json);
}

}  // namespace varve::activity
