// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be called. Filled before the server starts, constant after.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "orchestrator/config/rights.h"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace varve::rpc {

struct Call {
    orchestrator::Caller caller;
    // Tells the caller something while the method runs. Thread-safe; goes nowhere when the caller has left.
    std::function<void(std::string_view method, const nlohmann::json& params)> notify;
    // Sends an open descriptor along with the answer, when that is a result: to be called once, at most. Empty where the answer cannot have one: in a batch,
    // and for a notification.
    std::function<void(base::UniqueFd descriptor)> enclose = {};
};

// Called with an object. An error becomes the answer; nothing may be thrown.
using Handler = std::function<base::Result<nlohmann::json>(const nlohmann::json& params, const Call& call)>;

enum class Length {
    Short,  // in the server's own thread: answers from memory
    Long,   // in a worker: may block, and several run at once
};

struct Method {
    Length length;
    Handler handler;
};

class MethodTable {
public:
    // A name that is there already is replaced.
    void add(std::string name, Length length, Handler handler);
    // nullptr for an unknown name.
    [[nodiscard]] const Method* find(std::string_view name) const;

private:
    std::map<std::string, Method, std::less<>> methods_;
};

}  // namespace varve::rpc
