// SPDX-License-Identifier: LGPL-2.1-or-later
// What a write to a `ctl` file does, and the reply.
#include "fs/control/control_tree.h"
#include "fs/control/json.h"
#include "fs/control/root_commands.h"
#include "fs/control/vm_commands.h"
#include "fs/control/volume_commands.h"
#include "fs/protocol/command_words.h"
#include "fs/protocol/names.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace varve::control {
namespace {

using base::Errc;
using base::fail;
using base::Result;
namespace field = protocol::field;
using Words = std::vector<std::string>;

Result<Words> words_of(std::string_view text) {
    if (text.size() > protocol::longest_command)
        return fail(Errc::TooLarge, "a command has at most " + std::to_string(protocol::longest_command) + " bytes");
    return protocol::split_command(text);
}

Arguments arguments_of(const Words& words) { return Arguments(words).subspan(1); }

Subject subject_of(const Place& place) {
    if (place.vm && place.volume) return {field::volume, engine::VolumeRef{place.vm, *place.volume}.id().str()};
    if (place.vm) return {field::vm, place.vm->pool().name().str() + "/" + place.vm->name().str()};
    return {};
}

Reply reply_of(std::string_view command, const Subject& subject, const Result<Json>& outcome) {
    return {compact(outcome_object(command, subject, outcome)) + "\n", outcome ? std::nullopt : std::optional(outcome.error())};
}

Result<Json> run_on_root(PoolAdministration& administration, const Words& words) {
    const auto* command = TRY(find_verb(root_commands(), words));
    return command->run(administration, arguments_of(words));
}

Result<Json> run_on_volume(engine::Volumes& volumes, const engine::VolumeRef& volume, const Words& words) {
    const auto* command = TRY(find_verb(volume_commands(), words));
    return command->run(volumes, volume, arguments_of(words));
}

// {"ok":...,"command":...,"vm":...,"volumes":[...],"result":...,"error":...}: the volumes also when the command failed.
Reply run_on_vm(engine::Volumes& volumes, const engine::VmPtr& vm, const Subject& subject, std::string_view name, const Words& words) {
    Json parts{{field::volumes, Json::array()}};
    const auto command = find_verb(vm_commands(), words);
    const auto done = command ? (*command)->run(volumes, vm, arguments_of(words), parts) : base::Failure(command.error());
    Json reply{{field::ok, done.has_value()}, {field::command, name}, {field::vm, subject.name}};
    reply.update(parts);
    if (!done) reply[std::string(field::error)] = error_object(done.error());
    return {compact(reply) + "\n", done ? std::nullopt : std::optional(done.error())};
}

}  // namespace

Reply ControlTree::command(const Place& place, std::string_view text, std::stop_token interrupted) {
    auto volumes = volumes_.interruptible(std::move(interrupted));
    const auto subject = subject_of(place);
    const auto words = words_of(text);
    if (!words) return reply_of("", subject, base::Failure(words.error()));
    const auto name = words->empty() ? std::string() : words->front();
    if (place.vm && place.volume) return reply_of(name, subject, run_on_volume(volumes, {place.vm, *place.volume}, *words));
    if (place.vm) return run_on_vm(volumes, place.vm, subject, name, *words);
    if (place.pool) return reply_of(name, subject, fail(Errc::NotFound, "a pool's .varve takes no commands"));
    return reply_of(name, subject, run_on_root(administration_, *words));
}

}  // namespace varve::control
