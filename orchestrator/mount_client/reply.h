// SPDX-License-Identifier: LGPL-2.1-or-later
// What a `ctl` file answers.
#pragma once

#include "drivers/base/extent.h"
#include "drivers/base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::mount_client {

// What `verify` found.
struct Finding {
    std::string object;
    std::string what;
};

// One object for a volume, a VM or a pool, checked: hostile or broken replies never get further than parse_reply.
struct Reply {
    bool ok = false;
    std::string command;
    std::string subject;                     // "fast/work/root" or "fast/work"; may be empty
    std::string device;                      // of `start`
    std::string revision;                    // of `stop`: the kept old state
    bool committed = false;                  // of `stop`
    std::vector<std::string> removed;        // revisions that retention took
    std::vector<Finding> findings;           // of `verify`
    std::optional<base::Extents> extents{};  // of `compare`
    std::vector<Reply> volumes;              // of a command for a whole VM
    base::Error error{};                     // when not ok
    std::string json;                        // the object as received, compact
};

// Corrupt when the text is not one JSON object in the form of docs/control-tree.md, or nests volumes in volumes.
[[nodiscard]] base::Result<Reply> parse_reply(std::string_view text);

// The `error` object of a reply or the like: its code, else its errno, chooses the Errc; the message is the context.
[[nodiscard]] base::Error parse_error(const nlohmann::json& object);

}  // namespace varve::mount_client
