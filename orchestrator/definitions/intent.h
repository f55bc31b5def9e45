// SPDX-License-Identifier: LGPL-2.1-or-later
// Intents: what several steps are about to do, noted in a file before the first.
#pragma once

#include "drivers/base/result.h"
#include "drivers/settings/mistakes.h"
#include "drivers/settings/table_reader.h"
#include "drivers/settings/text_file.h"
#include "drivers/settings/toml_document.h"

#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

namespace varve::definitions {

// What `read` makes of the file's keys: nothing when one of them is a mistake. Corrupt, with every mistake, also for keys that it does not
// ask for; else as read_text().
template <class Intent>
[[nodiscard]] base::Result<Intent> read_intent(const std::filesystem::path& file, std::optional<Intent> (*read)(settings::TableReader&)) {
    const auto corrupt = [&](const std::vector<settings::Mistake>& mistakes) {
        return base::fail(base::Errc::Corrupt, file.string() + ": " + settings::in_one_line(mistakes));
    };
    const auto text = TRY(settings::read_text(file));
    const auto table = settings::read_toml(text);
    if (!table) return corrupt({table.error()});
    settings::Mistakes mistakes;
    settings::TableReader reader(*table, "", mistakes);
    auto intent = read(reader);
    if (!reader.finish() || !intent) return corrupt(mistakes.take());
    return *std::move(intent);
}

}  // namespace varve::definitions
