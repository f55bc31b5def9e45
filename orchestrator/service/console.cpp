// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/console.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace varve::service {

using base::Errc;
using base::Result;

Result<base::UniqueFd> open_console(const vm::Machines& machines, const base::VmName& vm, const std::filesystem::path& path) {
    base::UniqueFd console(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC));
    if (!console.valid()) return base::fail_errno(errno, "cannot open the console " + path.string());
    if (::isatty(console.get()) == 0) return base::fail(Errc::Corrupt, path.string() + ", the console of " + vm.str() + ", is no terminal");
    const auto now = machines.console(vm);
    if (now && *now == path) return console;
    return base::fail(Errc::Busy, vm.str() + " has not the console any more that it had; try again");
}

}  // namespace varve::service
