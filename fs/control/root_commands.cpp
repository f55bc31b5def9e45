// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/root_commands.h"

#include "fs/protocol/names.h"

#include <nlohmann/json.hpp>

#include <array>
#include <string>
#include <vector>

namespace varve::control {
namespace {

using base::Result;
namespace field = protocol::field;
namespace verb = protocol::verb;

Result<Json> add(PoolAdministration& administration, Arguments arguments) {
    TRY(base::PoolName::parse(arguments[0]));
    TRY(administration.add(std::vector<std::string>(arguments.begin(), arguments.end())));
    return Json::object();
}

Result<Json> remove(PoolAdministration& administration, Arguments arguments) {
    TRY(base::PoolName::parse(arguments[0]));
    TRY(administration.remove(arguments[0]));
    return Json::object();
}

Result<Json> convert(PoolAdministration& administration, Arguments arguments) {
    TRY(base::PoolName::parse(arguments[0]));
    TRY(administration.convert(arguments[0]));
    return Json::object();
}

Json list_of(const std::vector<Reloaded::Key>& keys) {
    auto list = Json::array();
    for (const auto& [pool, key] : keys) {
        auto& object = list.emplace_back(Json::object());
        if (!pool.empty()) object[std::string(field::pool)] = pool;
        object[std::string(field::key)] = key;
    }
    return list;
}

Result<Json> reload(PoolAdministration& administration, Arguments /*none*/) {
    const auto done = TRY(administration.reload());
    return Json{{field::opened, done.opened},
                {field::closed, done.closed},
                {field::changed, list_of(done.changed)},
                {field::needs_restart, list_of(done.needs_restart)}};
}

constexpr std::array the_root_commands{
    RootCommand{{verb::pool_add, "NAME DRIVER [KEY=VALUE ...]", 2, any_number}, add},
    RootCommand{{verb::pool_rm, "NAME", 1, 1}, remove},
    RootCommand{{verb::pool_convert, "NAME", 1, 1}, convert},
    RootCommand{{verb::reload, "", 0, 0}, reload},
};

}  // namespace

std::span<const RootCommand> root_commands() { return the_root_commands; }

}  // namespace varve::control
