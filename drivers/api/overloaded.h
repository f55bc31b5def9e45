// SPDX-License-Identifier: LGPL-2.1-or-later
// Overloaded, where most visits of variants are.
#pragma once

#include "drivers/base/overloaded.h"

namespace varve::api {

using base::Overloaded;

}  // namespace varve::api
