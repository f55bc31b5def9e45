// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc/method_table.h"

#include <nlohmann/json.hpp>

namespace varve::rpc {

void MethodTable::add(std::string name, Length length, Handler handler) {
    methods_.insert_or_assign(std::move(name), Method{length, std::move(handler)});
}

const Method* MethodTable::find(std::string_view name) const {
    const auto found = methods_.find(name);
    return found == methods_.end() ? nullptr : &found->second;
}

}  // namespace varve::rpc
