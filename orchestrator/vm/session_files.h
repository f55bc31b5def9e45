// SPDX-License-Identifier: LGPL-2.1-or-later
// Session records as files, one for each VM: <directory>/<vm>.json.
#pragma once

#include "drivers/base/unique_fd.h"
#include "orchestrator/vm/session_records.h"

#include <filesystem>
#include <memory>

namespace varve::vm {

// Makes the directory (not its parents) when it is missing, for its owner alone. Best below /run: then a reboot takes them.
[[nodiscard]] base::Result<std::unique_ptr<SessionRecords>> open_session_files(const std::filesystem::path& directory);

}  // namespace varve::vm
