// SPDX-License-Identifier: LGPL-2.1-or-later
// The real xenstore, through libxenstore.
#pragma once

#include "orchestrator/xenstore/xenstore.h"

namespace varve::xenstore {

// Unsupported, with what to do, when no xenstored answers: this is not Xen's control domain, or it does not run.
[[nodiscard]] base::Result<std::unique_ptr<XenStore>> open_libxenstore();

}  // namespace varve::xenstore
