// SPDX-License-Identifier: LGPL-2.1-or-later
// A program of the administrator's around the steps of another driver's pool (docs/man/varve-callback.7.md).
#pragma once

#include "drivers/api/pool.h"
#include "drivers/callback/hook_runner.h"
#include "drivers/callback/steps.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace varve::callback {

struct Settings {
    base::PoolName name;
    std::string driver;             // the wrapped one
    std::filesystem::path program;  // for messages: the runner knows how to run it
    Moments moments = standard_moments();
    std::map<std::string, std::string> driver_parameters = {};             // the wrapped driver's
    std::vector<std::pair<std::string, std::string>> own_parameters = {};  // for `.varve/config`, before the driver's
};

// Opens the wrapped driver's pool; called once.
using OpenWrapped = std::function<base::Result<std::unique_ptr<api::Pool>>()>;

// Runs `before setup`, opens the wrapped pool and stands before it; no lock of the pool's is held while the program runs.
//
// A program that fails before a step forbids it: nothing has changed, and the operation's error names the moment, the program, how it ended and
// its last line. After a step the change has happened and is durable: a failure is logged at level error, and the operation succeeds.
//
// The steps: setup (the pool is opened: at the daemon's start too), destroy (it is taken away, and after that closed; not at the daemon's end), create, start,
// stop (and discard), remove (of a committed state, a revision, or a volume that has neither), resize, import (a private image becomes a
// state), export (a state is opened, to be read or cloned).
//
// Crash safety: the wrapped pool's. What dies between a step and its "after" does not run that later.
[[nodiscard]] base::Result<std::unique_ptr<api::Pool>> open(const Settings& settings, std::unique_ptr<HookRunner> runner,
                                                            const OpenWrapped& open_wrapped, spdlog::logger& log);

}  // namespace varve::callback
