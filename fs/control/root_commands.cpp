// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/root_commands.h"

#include "fs/protocol/names.h"

#include <array>
#include <string>
#include <vector>

namespace varve::control {
namespace {

using base::Result;
namespace verb = protocol::verb;

Result<> add(PoolAdministration& administration, Arguments arguments) {
    TRY(base::PoolName::parse(arguments[0]));
    return administration.add(std::vector<std::string>(arguments.begin(), arguments.end()));
}

Result<> remove(PoolAdministration& administration, Arguments arguments) {
    TRY(base::PoolName::parse(arguments[0]));
    return administration.remove(arguments[0]);
}

Result<> convert(PoolAdministration& administration, Arguments arguments) {
    TRY(base::PoolName::parse(arguments[0]));
    return administration.convert(arguments[0]);
}

constexpr std::array the_root_commands{
    RootCommand{{verb::pool_add, "NAME DRIVER [KEY=VALUE ...]", 2, any_number}, add},
    RootCommand{{verb::pool_rm, "NAME", 1, 1}, remove},
    RootCommand{{verb::pool_convert, "NAME", 1, 1}, convert},
    RootCommand{{verb::reload, "", 0, 0}, [](PoolAdministration& administration, Arguments) { return administration.reload(); }},
};

}  // namespace

std::span<const RootCommand> root_commands() { return the_root_commands; }

}  // namespace varve::control
