// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "drivers/base/result.h"

#include <string_view>

namespace varve::domain_xml {

// InvalidArgument unless XML 1.0 can hold the text in one line: valid UTF-8 without control characters. Escaping is the writer's.
[[nodiscard]] base::Result<> check_text(std::string_view text, std::string_view what);

}  // namespace varve::domain_xml
