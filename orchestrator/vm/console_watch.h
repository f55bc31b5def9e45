// SPDX-License-Identifier: LGPL-2.1-or-later
// Follows a file that somebody else writes.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <filesystem>
#include <string>

namespace varve::vm {

class ConsoleWatch {
public:
    // The file need not be there yet; its directory must.
    [[nodiscard]] static base::Result<ConsoleWatch> make(std::filesystem::path file);

    // Can be read as soon as there may be more; `more` uses that up.
    [[nodiscard]] int descriptor() const { return notify_.get(); }
    // What was written since the last call; at most 64 KiB at once.
    [[nodiscard]] base::Result<std::string> more();

private:
    ConsoleWatch(base::UniqueFd notify, std::filesystem::path file) : notify_(std::move(notify)), file_(std::move(file)) {}

    base::UniqueFd notify_;  // inotify(7)
    std::filesystem::path file_;
    base::UniqueFd open_;
};

}  // namespace varve::vm
