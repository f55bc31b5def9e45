// SPDX-License-Identifier: LGPL-2.1-or-later
// Programs that tests run.
#pragma once

#include "drivers/kernel/program.h"

namespace varve::test_support {

using kernel::Finished;
using kernel::Program;
using kernel::run_program;

}  // namespace varve::test_support
