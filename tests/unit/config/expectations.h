// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests of the configuration say again and again.
#pragma once

#include "fs/config/config.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace varve::config::tests {

// "line: what", one mistake a line.
inline std::string listed(const std::vector<Mistake>& mistakes) {
    std::string text;
    for (const auto& [line, what] : mistakes) text += std::to_string(line) + ": " + what + "\n";
    return text;
}

// The configuration; a failure of the test, and the defaults, when there were mistakes.
inline Config accepted(std::string_view text) {
    auto config = parse(text);
    if (config) return *std::move(config);
    ADD_FAILURE() << text << "\nwas refused:\n" << listed(config.error());
    return {};
}

inline std::vector<Mistake> refused(std::string_view text) {
    auto config = parse(text);
    if (!config) return std::move(config).error();
    ADD_FAILURE() << text << "\nwas accepted";
    return {};
}

inline bool equal(const PoolConfig& a, const PoolConfig& b) {
    return a.settings.name == b.settings.name && a.settings.driver == b.settings.driver && a.settings.parameters == b.settings.parameters &&
           a.settings.revisions_to_keep == b.settings.revisions_to_keep && a.ownership == b.ownership && a.schedule == b.schedule &&
           a.prune_below == b.prune_below;
}

}  // namespace varve::config::tests
