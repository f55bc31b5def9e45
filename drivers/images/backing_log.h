// SPDX-License-Identifier: LGPL-2.1-or-later
// One line at info level for every operation on backing files.
#pragma once

#include <string_view>

namespace spdlog {
class logger;
}

namespace varve::images {

class BackingLog {
public:
    explicit BackingLog(spdlog::logger& log) : log_(&log) {}

    // who: "pool/vm/volume"; how: "cloned", "copied", "linked", "renamed", "removed", "created", "resized".
    void operation(std::string_view who, std::string_view how, std::string_view from, std::string_view to) const;
    void operation(std::string_view who, std::string_view how, std::string_view what) const;
    // Something went wrong that nobody is told about otherwise.
    void warning(std::string_view who, std::string_view what) const;

private:
    spdlog::logger* log_;
};

}  // namespace varve::images
