// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/backing_log.h"

#include <spdlog/spdlog.h>

namespace varve::images {

void BackingLog::operation(std::string_view who, std::string_view how, std::string_view from, std::string_view to) const {
    log_->info("{}: {} {} -> {}", who, how, from, to);
}

void BackingLog::operation(std::string_view who, std::string_view how, std::string_view what) const {
    log_->info("{}: {} {}", who, how, what);
}

void BackingLog::warning(std::string_view who, std::string_view what) const { log_->warn("{}: {}", who, what); }

}  // namespace varve::images
