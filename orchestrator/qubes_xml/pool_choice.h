// SPDX-License-Identifier: LGPL-2.1-or-later
// Which pool of a qubes.xml a pool of Varve's is.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/qubes_xml/document.h"

#include <string>

namespace varve::qubes_xml {

struct PoolPlace {
    std::string name;
    std::string driver;
    Attributes parameters;  // dir_path, or volume_group and thin_pool
};

// The only pool in the same place, else the one of the same name whose driver keeps volumes in the same way. NotFound with the names that there are;
// InvalidArgument when several lie there.
[[nodiscard]] base::Result<std::string> choose_pool(const Document& document, const PoolPlace& place);

// NotFound when there is none of this name.
[[nodiscard]] base::Result<> check_pool(const Document& document, const std::string& name);

}  // namespace varve::qubes_xml
