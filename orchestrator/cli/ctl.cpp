// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/ctl.h"

#include "fs/protocol/names.h"

#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using mount_client::Reply;
using nlohmann::json;

void remark_on(const Output& output, const Reply& reply, const Remark& remark) {
    for (const auto& volume : reply.volumes) remark_on(output, volume, remark);
    if (!reply.ok || !reply.volumes.empty()) return;
    if (const auto text = remark(reply); !text.empty()) output.remark(text);
}

// A whole VM's error says what its first volume's does, and more; the other volumes' own come behind it.
ExitCode report_failures(const Output& output, const Reply& reply) {
    if (reply.ok) return ExitCode::Ok;
    const auto code = output.failure(reply.error);
    bool first = true;
    for (const auto& volume : reply.volumes) {
        if (volume.ok) continue;
        if (!first) (void)output.failure(base::with_context(volume.error, volume.subject));
        first = false;
    }
    return code;
}

json reply_object(const Reply& reply, const CtlRequest& request) {
    if (!reply.json.empty()) return json::parse(reply.json, nullptr, false);
    return {{protocol::field::ok, true}, {protocol::field::command, request.words.front()}, {protocol::field::result, json::object()}};
}

ExitCode send(const Context& context, const CtlRequest& request, const Remark& remark, json& results) {
    const auto reply = context.mount.command(request.ctl, request.subject, request.words);
    if (!reply) return context.output.failure(reply.error());
    results.push_back(reply_object(*reply, request));
    remark_on(context.output, *reply, remark);
    return report_failures(context.output, *reply);
}

}  // namespace

CtlRequest request_for(const VmOrVolume& target, std::vector<std::string> words) {
    if (const auto* vm = std::get_if<mount_client::VmReference>(&target))
        return {mount_client::vm_control(*vm, protocol::vm_file::ctl), vm->str(), std::move(words)};
    const auto& volume = std::get<base::VolumeId>(target);
    return {mount_client::volume_control(volume, protocol::volume_file::ctl), volume.str(), std::move(words)};
}

CtlRequest request_for_root(std::string subject, std::vector<std::string> words) {
    return {mount_client::root_control(protocol::root_file::ctl), std::move(subject), std::move(words)};
}

ExitCode send_all(const Context& context, const std::vector<CtlRequest>& requests, const Remark& remark) {
    auto code = ExitCode::Ok;
    auto results = json::array();
    for (const auto& request : requests) {
        if (context.world.interrupted && context.world.interrupted()) {
            code = context.output.failure(
                {base::Errc::Interrupted, {}, "interrupted before '" + request.words.front() + "' of " + request.subject});
            break;
        }
        const auto one = send(context, request, remark, results);
        if (code == ExitCode::Ok) code = one;
        if (one == ExitCode::Interrupted) break;
    }
    context.output.object({{"results", results}});
    return code;
}

}  // namespace varve::cli
