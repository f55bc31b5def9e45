// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/config/config.h"

#include "drivers/settings/accounts.h"
#include "drivers/settings/scalars.h"
#include "drivers/settings/table_reader.h"
#include "drivers/settings/text.h"
#include "drivers/settings/toml_document.h"
#include "orchestrator/definitions/scalars.h"

#include <utility>

namespace varve::orchestrator {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using settings::Mistakes;
using settings::Table;
using settings::TableReader;
using settings::Value;

Result<std::set<Verb>> verb_set(const Value& value) {
    std::set<Verb> verbs;
    const auto texts = TRY(settings::texts_of(value, "a list of verbs"));
    for (const auto& text : texts) {
        if (const auto verb = verb_named(text)) {
            verbs.insert(*verb);
            continue;
        }
        if (text == "*") {
            for (const auto name : verb_names()) verbs.insert(*verb_named(name));
            continue;
        }
        std::string known;
        for (const auto name : verb_names()) known.append(known.empty() ? "" : ", ").append(name);
        return fail(Errc::InvalidArgument, settings::quote(text) + " is no verb: expected '*' or some of " + known);
    }
    return verbs;
}

Result<std::vector<VmPattern>> patterns(const Value& value) {
    std::vector<VmPattern> all;
    const auto texts = TRY(settings::texts_of(value, "a list of VMs"));
    all.reserve(texts.size());
    for (const auto& text : texts) all.push_back(TRY(VmPattern::parse(text)));
    return all;
}

std::optional<Right> read_right(const Table& table, Mistakes& mistakes) {
    TableReader reader(table, "right.", mistakes);
    const auto user = reader.value("user", settings::user);
    const auto group = reader.value("group", settings::group);
    const auto verbs = reader.required("verbs", verb_set);
    const auto vms = reader.required("vms", patterns);
    if (reader.has("user") == reader.has("group")) reader.note("user", "a right has exactly one of 'user' and 'group'");
    if (!reader.finish() || !verbs || !vms) return std::nullopt;
    if (user) return Right{UserId{*user}, *verbs, *vms};
    return Right{GroupId{group.value_or(0)}, *verbs, *vms};
}

// Sets the target where the key is there and good.
template <class Target, class Read>
void read_into(TableReader& reader, std::string_view key, Target& target, const Read& read) {
    if (auto value = reader.value(key, read)) target = *std::move(value);
}

void read_preload(TableReader& reader, SystemPreload& preload) {
    read_into(reader, "default_dispvm", preload.default_dispvm, definitions::name_in<base::VmName>);
    read_into(reader, "preload-dispvm-max", preload.max, definitions::preload_count);
    read_into(reader, "preload-dispvm-delay", preload.delay, definitions::refill_delay);
    read_into(reader, "preload-dispvm-threshold", preload.threshold, settings::amount);
    if (preload.max && !reader.has("default_dispvm"))
        reader.note("preload-dispvm-max", "it is for the 'default_dispvm', and there is none");
}

}  // namespace

tl::expected<Config, std::vector<settings::Mistake>> parse(std::string_view toml) {
    const auto table = settings::read_toml(toml);
    if (!table) return tl::unexpected(std::vector{table.error()});
    Mistakes mistakes;
    TableReader reader(*table, "", mistakes);
    // A constant that is legal.
    Config config{.hypervisor = *definitions::HypervisorUri::parse("qemu:///system"), .preload = {}, .rights = {}};
    read_into(reader, "socket", config.socket, settings::absolute_path);
    read_into(reader, "runtime_dir", config.runtime_dir, settings::absolute_path);
    read_into(reader, "state_dir", config.state_dir, settings::absolute_path);
    read_into(reader, "mountpoint", config.mountpoint, settings::absolute_path);
    read_into(reader, "hypervisor", config.hypervisor, definitions::name_in<definitions::HypervisorUri>);
    read_preload(reader, config.preload);
    for (const auto* right : reader.list("right"))
        if (auto read = read_right(*right, mistakes)) config.rights.push_back(*std::move(read));
    // sun_path of unix(7), with its final zero.
    constexpr std::size_t longest_socket = 107;
    if (config.socket.native().size() > longest_socket) reader.note("socket", "a socket's path has at most 107 bytes");
    const bool good = reader.finish();
    if (!good || !mistakes.none()) return tl::unexpected(mistakes.take());
    return config;
}

std::vector<std::string_view> needing_restart(const Config& running, const Config& wanted) {
    std::vector<std::string_view> keys;
    if (running.socket != wanted.socket) keys.emplace_back("socket");
    if (running.runtime_dir != wanted.runtime_dir) keys.emplace_back("runtime_dir");
    if (running.state_dir != wanted.state_dir) keys.emplace_back("state_dir");
    if (running.mountpoint != wanted.mountpoint) keys.emplace_back("mountpoint");
    if (running.hypervisor != wanted.hypervisor) keys.emplace_back("hypervisor");
    return keys;
}

}  // namespace varve::orchestrator
