// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/pool_of.h"

namespace varve::fuse {

engine::OpenPool* pool_of(const Node& node) {
    return std::visit(
        [](const auto& each) -> engine::OpenPool* {
            if constexpr (requires { each.volume.vm; })
                return &each.volume.vm->pool();
            else if constexpr (requires { each.transaction; })
                return &each.transaction->ref().vm->pool();
            else if constexpr (requires { each.pool; })
                return each.pool.get();
            else if constexpr (requires { each.vm->pool(); })
                return &each.vm->pool();
            else if constexpr (requires { each.place; })
                return each.place.vm ? &each.place.vm->pool() : each.place.pool.get();
            else
                return nullptr;
        },
        node);
}

}  // namespace varve::fuse
