// SPDX-License-Identifier: LGPL-2.1-or-later
// Commands sent to ctl files, and what came of them.
#pragma once

#include "orchestrator/cli/command.h"
#include "orchestrator/cli/targets.h"

#include <functional>
#include <string>
#include <vector>

namespace varve::cli {

struct CtlRequest {
    std::string ctl;      // path relative to the mount
    std::string subject;  // for messages
    std::vector<std::string> words;
};

[[nodiscard]] CtlRequest request_for(const VmOrVolume& target, std::vector<std::string> words);
[[nodiscard]] CtlRequest request_for_root(std::string subject, std::vector<std::string> words);

// What to say of one volume's success; empty for nothing.
using Remark = std::function<std::string(const mount_client::Reply&)>;

// Sends them in turn, whatever became of the one before, until interrupted. In JSON mode prints {"results":[REPLY...]}, else the remarks; the
// failures go to standard error. Returns the first failure's code.
[[nodiscard]] ExitCode send_all(const Context& context, const std::vector<CtlRequest>& requests, const Remark& remark);

}  // namespace varve::cli
