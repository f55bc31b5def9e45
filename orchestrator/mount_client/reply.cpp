// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/reply.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/json_fields.h"

#include <nlohmann/json.hpp>

#include <array>
#include <optional>

namespace varve::mount_client {
namespace {

using base::Errc;
using base::Result;
using nlohmann::json;

constexpr std::array all_codes{Errc::NotFound,        Errc::Exists,   Errc::Busy,        Errc::NoSpace,   Errc::ReadOnly, Errc::InvalidName,
                               Errc::InvalidArgument, Errc::TooLarge, Errc::Unsupported, Errc::CrossPool, Errc::NotEmpty, Errc::Denied,
                               Errc::Interrupted,     Errc::TimedOut, Errc::Corrupt,     Errc::Degraded,  Errc::Io};

std::optional<Errc> code_named(std::string_view name) {
    for (const auto code : all_codes)
        if (base::name_of(code) == name) return code;
    return {};
}

base::Failure broken(const std::string& what) {
    return base::fail(Errc::Corrupt, "varvefs answered with something that is not a reply: " + what);
}

// What lies outside of them will not be looked at, so nothing is made of a strange one.
Result<base::Extents> read_extents(const json& list) {
    if (!list.is_array()) return broken("its extents are not a list");
    base::Extents extents;
    for (const auto& each : list) {
        const auto offset = number_field(each, protocol::field::offset, 0, INT64_MAX);
        const auto length = number_field(each, protocol::field::length, 1, INT64_MAX - offset.value_or(0));
        if (!offset || !length) return broken("an extent without its place");
        const base::Extent extent{{static_cast<std::uint64_t>(*offset)}, {static_cast<std::uint64_t>(*length)}};
        if (!extents.empty() && extent.offset < extents.back().end()) return broken("its extents are not in order");
        extents.push_back(extent);
    }
    return extents;
}

Result<> read_result(const json& result, Reply& reply) {
    reply.device = text_field(result, protocol::field::device);
    reply.revision = text_field(result, protocol::field::revision);
    reply.committed = flag_field(result, protocol::field::committed);
    for (const auto& revision : list_field(result, protocol::field::removed))
        if (revision.is_string()) reply.removed.push_back(revision.get<std::string>());
    for (const auto& finding : list_field(result, protocol::field::findings))
        reply.findings.push_back({text_field(finding, protocol::field::object), text_field(finding, protocol::field::what)});
    if (const auto* extents = field(result, protocol::field::extents); extents != nullptr) reply.extents = TRY(read_extents(*extents));
    return {};
}

enum class Depth { Whole, Part };

Result<Reply> read_reply(const json& object, Depth depth) {
    if (!object.is_object()) return broken("not an object");
    const auto* ok = field(object, protocol::field::ok);
    if (ok == nullptr || !ok->is_boolean()) return broken("it does not say whether the command succeeded");
    Reply reply;
    reply.ok = ok->get<bool>();
    reply.command = text_field(object, protocol::field::command);
    reply.subject = text_field(object, protocol::field::volume);
    if (reply.subject.empty()) reply.subject = text_field(object, protocol::field::vm);
    reply.json = compact(object);
    if (const auto* result = field(object, protocol::field::result); result != nullptr && result->is_object())
        TRY(read_result(*result, reply));
    if (const auto* volumes = field(object, protocol::field::volumes); volumes != nullptr) {
        if (!volumes->is_array() || depth == Depth::Part) return broken("its volumes are not a list");
        for (const auto& volume : *volumes) reply.volumes.push_back(TRY(read_reply(volume, Depth::Part)));
    }
    if (!reply.ok) {
        const auto* error = field(object, protocol::field::error);
        if (error == nullptr || !error->is_object()) return broken("a failure without an error");
        reply.error = parse_error(*error);
    }
    return reply;
}

}  // namespace

base::Error parse_error(const json& object) {
    const auto number = static_cast<int>(number_field(object, protocol::field::number, 1, 4095).value_or(0));
    const auto message = text_field(object, protocol::field::message);
    auto error = base::error_from_errno(number, message);
    if (const auto code = code_named(text_field(object, protocol::field::code))) error.code = *code;
    // The message is a whole sentence: the errno's own text is wanted only in its place.
    if (!message.empty() || number == 0) error.cause = {};
    if (message.empty()) error.context = "varvefs gave no reason";
    return error;
}

Result<Reply> parse_reply(std::string_view text) {
    const auto object = json::parse(text, nullptr, false);
    if (object.is_discarded()) return broken("not JSON");
    return read_reply(object, Depth::Whole);
}

}  // namespace varve::mount_client
