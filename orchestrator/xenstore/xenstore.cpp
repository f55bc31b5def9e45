// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/xenstore/xenstore.h"

namespace varve::xenstore {

base::Result<> XenStore::transact(const Steps& steps) {
    for (int tries = 0; tries < most_tries; ++tries)
        if (TRY(try_transaction(steps))) return {};
    return base::fail(base::Errc::Busy, "xenstore changed under each of " + std::to_string(most_tries) + " transactions");
}

}  // namespace varve::xenstore
