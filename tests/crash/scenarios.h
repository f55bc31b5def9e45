// SPDX-License-Identifier: LGPL-2.1-or-later
// Every command that changes a pool, each with a pool to run it on.
#pragma once

#include "drivers/base/result.h"

#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace varve::crash_tests {

class World;

struct Scenario {
    std::string name{};
    std::vector<std::string> volumes;                   // what the command is about: must work on afterwards, those that exist
    std::function<base::Result<>(World&)> act;          // the command itself
    std::function<base::Result<>(World&)> arrange{};    // on top of the furnished pool
    std::function<base::Result<>(World&)> meanwhile{};  // what the guest writes before the command, not synced
    bool pruning = false;                               // also removes expired revisions, which may be done in part
    bool cloning = false;                               // only where data can be shared
};

// A template and a VM with volumes of every kind, with revisions, a label and a precache.
[[nodiscard]] base::Result<> furnish(World& world);

[[nodiscard]] std::vector<Scenario> scenarios();

inline void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }  // googletest's name

}  // namespace varve::crash_tests
