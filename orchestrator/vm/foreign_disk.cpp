// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/foreign_disk.h"

namespace varve::vm {

base::Result<Attachable> foreign_disk(Storage& storage, const std::filesystem::path& path, bool writable) {
    if (TRY(storage.is_state(path)) && writable)
        return base::fail(base::Errc::InvalidArgument,
                          "'" + path.string() +
                              "' can be attached to be read only: a volume is written by its own VM alone, as one of its volumes, and a "
                              "revision never changes");
    return storage.attachable(path);
}

}  // namespace varve::vm
